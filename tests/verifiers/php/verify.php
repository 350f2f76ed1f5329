<?php

declare(strict_types=1);

require __DIR__ . '/request.php';
require __DIR__ . '/assertion.php';
require __DIR__ . '/hmac.php';

set_error_handler(fn (int $level, string $message) => throw new ErrorException($message, 0, $level));

$task = json_decode(stream_get_contents(STDIN), true, 64, JSON_THROW_ON_ERROR);
$expected = new Expected(
    $task['now'],
    $task['issuer'],
    $task['audience'],
    $task['keys']['keys'],
    array_map(fn (string $secret): string => base64_decode($secret, true), $task['secrets']),
    $task['headers'],
    $task['allow_unbound'],
);
$verify = ['jwt' => verify_assertion(...), 'hmac' => verify_hmac(...)][$task['form']];
$verdicts = [];
foreach ($task['requests'] as $json) {
    try {
        $anonymous = $verify(Request::fromJson($json), $expected);
        $verdicts[] = ['accepted' => true, 'anonymous' => $anonymous];
    } catch (Refused $refused) {
        $verdicts[] = ['accepted' => false, 'reason' => $refused->getMessage()];
    }
}
echo json_encode($verdicts, JSON_THROW_ON_ERROR), "\n";
