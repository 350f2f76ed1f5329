<?php

declare(strict_types=1);

require __DIR__ . '/../../../examples/applications/php/passerelle.php';

use Passerelle\Refused;
use Passerelle\Request;
use Passerelle\Settings;

set_error_handler(function (int $level, string $message): bool {
    return error_reporting() & $level ? throw new ErrorException($message, 0, $level) : true;
});

/** What an integrator would write, in a folder of this run alone. */
function written(array $task, string $folder): Settings
{
    file_put_contents("$folder/keys.json", json_encode($task['keys']));
    foreach ($task['secrets'] as $number => $secret) {
        file_put_contents("$folder/secret$number", base64_decode($secret, true));
    }
    return new Settings([
        'form' => $task['form'],
        'issuer' => $task['issuer'],
        'audience' => $task['audience'],
        'headers' => array_fill_keys($task['headers'], 'percent'),
        'keys' => 'keys.json',
        'secrets' => array_map(fn (int $number): string => "secret$number", array_keys($task['secrets'])),
        'allow_unbound' => $task['allow_unbound'] ? ['/'] : [],
        'seen' => 'seen',
    ], $folder);
}

function arrived(array $json): Request
{
    $fields = array_map(fn (array $field): array => [$field[0], base64_decode($field[1], true)], $json['headers']);
    $sha256 = fn (): string => hash('sha256', base64_decode($json['body'], true), true);
    return new Request($json['method'], base64_decode($json['target'], true), $fields, $sha256);
}

$task = json_decode(stream_get_contents(STDIN), true, 64, JSON_THROW_ON_ERROR);
$folder = sys_get_temp_dir() . '/passerelle-' . bin2hex(random_bytes(8));
mkdir("$folder/seen", 0700, true);
$verdicts = [];
try {
    $settings = written($task, $folder);
    foreach ($task['requests'] as $json) {
        try {
            $said = Passerelle\verify(arrived($json), $settings, $task['now']);
            Passerelle\once($settings->seen, $said['id'], $json['method'], time());
            $verdicts[] = ['accepted' => true, 'anonymous' => $said['anonymous']];
        } catch (Refused $refused) {
            $verdicts[] = ['accepted' => false, 'reason' => $refused->getMessage()];
        }
    }
} finally {
    array_map('unlink', [...glob("$folder/seen/*"), ...glob("$folder/{keys.json,secret*}", GLOB_BRACE)]);
    rmdir("$folder/seen");
    rmdir($folder);
}
echo json_encode($verdicts, JSON_THROW_ON_ERROR), "\n";
