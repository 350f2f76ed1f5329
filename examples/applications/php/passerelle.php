<?php

/**
 * Verifies every request before a PHP application runs; the application's own files stay as they are.
 *
 * Load this file with `auto_prepend_file` (php.ini, .user.ini, FPM pool, Apache `php_value`). Its configuration is
 * `passerelle.json` beside this file, or the file that the variable PASSERELLE_CONFIG names. See ../README.md.
 *
 * Needs the extensions openssl and sodium for `jwt`, none for `hmac`. Written for PHP 7.2 and later.
 * The steps and their order: docs/signatures.md. Whatever goes wrong, the answer is 403 and the application does not run.
 */

declare(strict_types=1);

namespace Passerelle;

require_once __DIR__ . '/verification.php';

/** Longer than any signature is good for: 32 s and the tolerance at both ends. */
const REMEMBERED_S = 300;

/** Refuse an id that was here before. Reading again does no harm. */
function once(string $folder, string $id, string $method, int $now): void
{
    if ($method === 'GET' || $method === 'HEAD') {
        return;
    }
    $name = $folder . '/' . hash('sha256', $id);
    require_that(is_dir($folder) && is_writable($folder), 'seen');
    // `x` makes the file or fails: of two at once, one is refused.
    $made = @fopen($name, 'x');
    require_that($made !== false, file_exists($name) ? 'replayed' : 'seen');
    fclose($made);
    if (random_int(0, 63) === 0) {
        sweep($folder, '/\A[0-9a-f]{64}\z/', $now - REMEMBERED_S);
    }
}

function sweep(string $folder, string $names, int $before): void
{
    foreach ((array) scandir($folder) as $name) {
        if (preg_match($names, (string) $name) && (int) @filemtime($folder . '/' . $name) < $before) {
            @unlink($folder . '/' . $name);
        }
    }
}

/** The text of a value, in the application's own character set. */
function decoded(string $value, string $encoding, string $charset): string
{
    switch ($encoding) {
        case 'percent':
            $text = rawurldecode($value);
            break;
        case 'base64':
            $text = base64_decode($value, true);
            break;
        case 'rfc8187':
            require_that(strncasecmp($value, "UTF-8''", 7) === 0, 'value_encoding');
            $text = rawurldecode(substr($value, 7));
            break;
        default:
            return $value;
    }
    require_that($text !== false && preg_match('//u', $text) === 1, 'value_encoding');
    if ($charset === 'utf-8') {
        return $text;
    }
    require_that(preg_match('/[^\x{00}-\x{FF}]/u', $text) === 0, 'value_charset');
    return (string) preg_replace_callback('/[\x{80}-\x{FF}]/u', function (array $found): string {
        return chr((ord($found[0][0]) & 3) << 6 | ord($found[0][1]) & 63);
    }, $text);
}

/**
 * Everything that PHP would hand to the application, with each name once.
 *
 * `$_SERVER` has one variable for all spellings of a name; where the server tells them apart, two are refused later.
 */
function arrived(Settings $settings): Request
{
    $fields = [];
    foreach ($_SERVER as $name => $value) {
        if (strncmp((string) $name, 'HTTP_', 5) === 0 && is_string($value)) {
            $fields[] = [substr((string) $name, 5), $value];
        }
    }
    $variables = array_column(array_map(function (array $field): array {
        return [fold($field[0]), $field[1]];
    }, $fields), 1, 0);
    $spellings = [];
    foreach (function_exists('getallheaders') ? getallheaders() : [] as $name => $value) {
        $spellings[fold((string) $name)][] = (string) $value;
    }
    foreach ($spellings as $name => $values) {
        // The same again is no second one; another spelling is, and so is another value.
        if (count($values) > 1 || ($variables[$name] ?? $values[0]) !== $values[0]) {
            $fields[] = [(string) $name, $values[0]];
        }
    }
    return new Request($_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI'], $fields, function () use ($settings): string {
        return body_sha256($settings->max_body_bytes);
    });
}

function body_sha256(int $at_most): string
{
    $multipart = stripos(ltrim($_SERVER['CONTENT_TYPE'] ?? ''), 'multipart/form-data') === 0;
    // PHP has read such a body itself and kept no copy: nothing can be compared.
    require_that(!$_FILES && !($multipart && ini_get('enable_post_data_reading')), 'body_unreadable');
    $context = hash_init('sha256');
    $body = fopen('php://input', 'rb');
    require_that(hash_update_stream($context, $body, $at_most + 1) <= $at_most, 'body_too_long');
    fclose($body);
    return hash_final($context, true);
}

/** Take the identity away under every name that PHP gives it, then set what was verified. */
function hand_over(Request $request, Settings $settings): void
{
    $names = array_map(__NAMESPACE__ . '\fold', array_map('strval', array_keys($settings->headers)));
    foreach (array_unique(array_merge(array_keys($_SERVER), array_keys($_ENV))) as $variable) {
        $bare = preg_replace('/\A(REDIRECT_)*/', '', (string) $variable);
        $name = strncmp($bare, 'HTTP_', 5) === 0 ? fold(substr($bare, 5)) : '';
        if (in_array($name, $names, true) || strncmp($name, 'xgateway', 8) === 0) {
            unset($_SERVER[$variable], $_ENV[$variable]);
        } elseif ($bare === 'REMOTE_USER' && $settings->remote_user !== '') {
            unset($_SERVER[$variable], $_ENV[$variable]);
        }
    }
    foreach ($settings->headers as $name => $encoding) {
        if ($request->has((string) $name)) {
            $value = decoded($request->only((string) $name, 'header_missing_or_repeated'), $encoding, $settings->charset);
            $_SERVER['HTTP_' . strtoupper(strtr((string) $name, '-', '_'))] = $value;
            if ($name === $settings->remote_user) {
                $_SERVER['REMOTE_USER'] = $value;
            }
        }
    }
}

/**
 * The application's session belongs to the gateway's session that it began in: to another one it does not exist.
 *
 * Each session cookie that the application sets is noted with its owner; one without a note, or with another owner's,
 * is taken away before the application looks. It then begins a new session, as for a browser without a cookie.
 */
function separate_sessions(Settings $settings, string $owner, int $now): void
{
    $note = function (string $name, string $value) use ($settings): string {
        return $settings->seen . '/session-' . hash('sha256', $name . '=' . $value);
    };
    foreach ($settings->session_cookies as $name) {
        $value = $_COOKIE[$name] ?? null;
        $noted = is_string($value) && is_file($note($name, $value)) ? file_get_contents($note($name, $value)) : null;
        if ($noted === $owner) {
            touch($note($name, (string) $value));
        } else {
            unset($_COOKIE[$name], $_REQUEST[$name], $_GET[$name], $_POST[$name]);
        }
    }
    $remember = function () use ($settings, $note, $owner): void {
        foreach (headers_list() as $line) {
            if (preg_match('/\ASet-Cookie:\s*([^=;\s]+)=([^;]*)/i', $line, $set) && in_array($set[1], $settings->session_cookies, true)) {
                file_put_contents($note($set[1], rawurldecode($set[2])), $owner);
            }
        }
    };
    // Before the browser can come back with the cookie; at the end too, if the application takes the first place.
    header_register_callback($remember);
    register_shutdown_function($remember);
    if (random_int(0, 63) === 0) {
        sweep($settings->seen, '/\Asession-[0-9a-f]{64}\z/', $now - 86400);
    }
}

function guard(): void
{
    set_error_handler(function (int $level, string $message, string $file, int $line): bool {
        if (error_reporting() & $level) {
            throw new \ErrorException($message, 0, $level, $file, $line);
        }
        return true;
    });
    $named = $_SERVER['PASSERELLE_CONFIG'] ?? getenv('PASSERELLE_CONFIG');
    $settings = Settings::read($named ?: __DIR__ . '/passerelle.json');
    $request = arrived($settings);
    $now = time();
    $said = verify($request, $settings, $now);
    once($settings->seen, $said['id'], $request->method, $now);
    hand_over($request, $settings);
    if ($settings->session_cookies !== []) {
        separate_sessions($settings, $said['session'], $now);
    }
    restore_error_handler();
}

function refuse(\Throwable $why): void
{
    $code = $why instanceof Refused ? $why->getMessage() : 'error in line ' . $why->getLine();
    error_log('passerelle: refused, code=' . $code);
    http_response_code(403);
    header('Content-Type: text/plain; charset=utf-8');
    header('Cache-Control: no-store');
    echo "403. Cette page ne s’ouvre que par la passerelle. / This page opens through the gateway alone.\n";
}

// A command line has no request: cron jobs run as they did, and tests load the functions.
if (PHP_SAPI !== 'cli') {
    try {
        guard();
    } catch (\Throwable $why) {
        refuse($why);
        exit;
    }
}
