<?php
// An application of the old kind: it knows nothing of what runs before it.
file_put_contents(getenv('RAN'), 'x', FILE_APPEND);
$identity = array_filter($_SERVER, fn ($name) => preg_match('/USAGER|TRANCHE|PORTAIL|GATEWAY|REMOTE_USER/', $name), ARRAY_FILTER_USE_KEY);
header('Content-Type: application/json');
$body = each_byte(file_get_contents('php://input'));
$identity = array_map(fn ($value) => preg_match('//u', $value) ? $value : each_byte($value), $identity);
echo json_encode(['identity' => (object) $identity, 'nom' => bin2hex($_SERVER['HTTP_X_USAGER_NOM'] ?? ''), 'body' => $body, 'form' => (object) $_POST], JSON_THROW_ON_ERROR);

// One character a byte.
function each_byte(string $bytes): string
{
    return iconv('ISO-8859-1', 'UTF-8', $bytes);
}
