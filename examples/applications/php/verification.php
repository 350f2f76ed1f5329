<?php

/**
 * The verification itself, without a server around it: a request, what was configured, the time, and who speaks.
 *
 * The steps and their order are those of docs/signatures.md. Loaded by passerelle.php, beside which it stands.
 */

declare(strict_types=1);

namespace Passerelle;

const MAX_BYTES = 4096;
const SIGNATURE = '/\Av1;kid=([0-9a-f]{16});ts=([1-9][0-9]{0,11});jti=([!-:<-~]{32});dec=([!-:<-~]+);pol=([0-9a-f]+);mac=([0-9a-f]{64})\z/D';

/** Why a request is not believed; the message is a short code, never a value. */
final class Refused extends \Exception
{
}

function require_that(bool $holds, string $code): void
{
    if (!$holds) {
        throw new Refused($code);
    }
}

/** Letters and digits in lower case: what all spellings of a name have in common. */
function fold(string $name): string
{
    return (string) preg_replace('/[^a-z0-9]/', '', strtolower($name));
}

/** One request as it arrived: nothing decoded, nothing normalised. */
final class Request
{
    public $method;
    public $target;
    /** @var callable(): string the raw SHA-256 of the body */
    public $sha256;
    /** @var array<string, list<string>> values by folded name */
    private $fields = [];

    /** @param list<array{0: string, 1: string}> $fields name and value */
    public function __construct(string $method, string $target, array $fields, callable $sha256)
    {
        $this->method = $method;
        $this->target = $target;
        $this->sha256 = $sha256;
        foreach ($fields as list($name, $value)) {
            $this->fields[fold($name)][] = $value;
        }
    }

    public function has(string $name): bool
    {
        return isset($this->fields[fold($name)]);
    }

    /** The only value of a field; a second one is refused. */
    public function only(string $name, string $code): string
    {
        $values = $this->fields[fold($name)] ?? [];
        require_that(count($values) === 1, $code);
        return $values[0];
    }
}

/** What the integrator wrote in passerelle.json. */
final class Settings
{
    const KNOWN = [
        'form' => null, 'issuer' => null, 'audience' => null, 'headers' => null, 'seen' => null,
        'keys' => '', 'secrets' => [], 'allow_unbound' => [], 'leeway_s' => 60, 'charset' => 'utf-8',
        'remote_user' => '', 'session_cookies' => [], 'max_body_bytes' => 1000000,
    ];
    const ENCODINGS = ['utf-8', 'latin-1', 'percent', 'base64', 'rfc8187'];

    public $form;
    public $issuer;
    public $audience;
    /** @var array<string, string> encoding by name, as written */
    public $headers;
    /** @var string folder that the web server may write in, and nobody else read */
    public $seen;
    /** @var string file of the key set */
    public $keys;
    /** @var list<string> the secrets themselves, once read */
    public $secrets;
    /** @var list<string> */
    public $allow_unbound;
    /** @var int seconds */
    public $leeway_s;
    public $charset;
    public $max_body_bytes;
    public $remote_user;
    /** @var list<string> */
    public $session_cookies;

    /** @param array<string, mixed> $written */
    public function __construct(array $written, string $folder)
    {
        // A misspelt name would leave a protection out in silence.
        require_that(array_diff_key($written, self::KNOWN) === [], 'configuration');
        foreach (self::KNOWN as $name => $default) {
            $value = $written[$name] ?? $default;
            require_that($value !== null && ($default === null || gettype($value) === gettype($default)), 'configuration');
            $this->$name = $value;
        }
        $this->check();
        $this->seen = beside($folder, $this->seen);
        $this->keys = beside($folder, $this->keys);
        $this->secrets = array_map(function (string $path) use ($folder): string {
            require_that(is_readable(beside($folder, $path)), 'secrets');
            $secret = rtrim((string) file_get_contents(beside($folder, $path)), "\r\n");
            require_that(strlen($secret) >= 32, 'secrets');
            return $secret;
        }, $this->secrets);
    }

    private function check(): void
    {
        foreach ([$this->issuer, $this->audience, $this->seen] as $text) {
            require_that(is_string($text) && $text !== '', 'configuration');
        }
        require_that($this->form === 'jwt' ? $this->keys !== '' : $this->form === 'hmac' && $this->secrets !== [], 'configuration');
        require_that(is_array($this->headers) && array_diff($this->headers, self::ENCODINGS) === [], 'configuration');
        require_that($this->leeway_s >= 0 && $this->leeway_s <= 60, 'configuration');
        require_that(in_array($this->charset, ['utf-8', 'latin-1'], true), 'configuration');
        require_that($this->remote_user === '' || isset($this->headers[$this->remote_user]), 'configuration');
        // Only an assertion says whose session it is.
        require_that($this->session_cookies === [] || $this->form === 'jwt', 'configuration');
        foreach ($this->form === 'jwt' ? ['openssl_verify', 'sodium_crypto_sign_verify_detached'] : [] as $function) {
            require_that(function_exists($function), 'extension');
        }
    }

    public static function read(string $path): self
    {
        require_that(is_readable($path), 'configuration');
        return new self(json_object((string) file_get_contents($path), 'configuration'), dirname($path));
    }

    /** A place ends with a slash and covers what is below, or is one path exactly. */
    public function allows_unbound(string $target): bool
    {
        $path = explode('?', $target, 2)[0];
        foreach ($this->allow_unbound as $place) {
            if ($path === $place || (substr($place, -1) === '/' && strncmp($path, $place, strlen($place)) === 0)) {
                return true;
            }
        }
        return false;
    }
}

function beside(string $folder, string $path): string
{
    return $path === '' || $path[0] === '/' || preg_match('/\A[A-Za-z]:/', $path) ? $path : $folder . '/' . $path;
}

/**
 * Who speaks, or Refused.
 *
 * @return array{id: string, anonymous: bool, session: string}
 */
function verify(Request $request, Settings $settings, int $now): array
{
    return $settings->form === 'jwt' ? verify_assertion($request, $settings, $now) : verify_hmac($request, $settings, $now);
}

function verify_assertion(Request $request, Settings $settings, int $now): array
{
    $assertion = $request->only('X-Gateway-Assertion', 'not_one_signature');
    require_that(strlen($assertion) <= MAX_BYTES, 'too_long');
    $segments = explode('.', $assertion);
    require_that(count($segments) === 3, 'malformed');
    $header = json_object(base64url($segments[0]));
    $claims = json_object(base64url($segments[1]));
    require_that(is_string($claims['jti'] ?? null) && strlen($claims['jti']) === 32, 'malformed');

    require_that(($header['typ'] ?? null) === 'gw-assert+jwt', 'typ');
    $key = find_key(published_keys($settings->keys), $header['kid'] ?? null, $header['alg'] ?? null);
    require_that(signature_holds($key, $segments[0] . '.' . $segments[1], base64url($segments[2])), 'signature');

    require_that(($claims['iss'] ?? null) === $settings->issuer, 'issuer');
    require_that(($claims['aud'] ?? null) === $settings->audience, 'audience');
    check_times($claims, $settings, $now);
    require_that(($claims['htm'] ?? null) === $request->method, 'method');
    require_that(($claims['hta'] ?? null) === $request->only('Host', 'host'), 'host');
    require_that(($claims['htp'] ?? null) === $request->target, 'target');
    check_body($claims, $request, $settings);
    check_headers($claims['hdr'] ?? [], $request, $settings);
    $anonymous = ($claims['anon'] ?? false) === true;
    $session = $anonymous ? '' : hash('sha256', json_encode([$claims['sid'] ?? null, $claims['sub'] ?? null]));
    return ['id' => $claims['jti'], 'anonymous' => $anonymous, 'session' => $session];
}

function check_times(array $claims, Settings $settings, int $now): void
{
    foreach (['iat', 'nbf', 'exp'] as $time) {
        require_that(is_int($claims[$time] ?? null), 'malformed');
    }
    require_that($claims['exp'] - $claims['iat'] <= 60, 'time');
    require_that($claims['nbf'] - $settings->leeway_s <= $now && $now <= $claims['exp'] + $settings->leeway_s, 'time');
}

function check_body(array $claims, Request $request, Settings $settings): void
{
    $mode = $claims['bodm'] ?? null;
    if ($mode === 'unbound') {
        require_that($settings->allows_unbound($request->target), 'body');
        return;
    }
    require_that($mode === 'digest' || ($mode === 'empty' && !isset($claims['bod'])), 'body');
    $signed = $mode === 'digest' ? $claims['bod'] ?? null : digest_label(hash('sha256', '', true));
    require_that($signed === digest_label(($request->sha256)()), 'body');
}

/** @param mixed $digests the claim `hdr` */
function check_headers($digests, Request $request, Settings $settings): void
{
    require_that(is_array($digests), 'malformed');
    foreach ($settings->headers as $name => $_) {
        require_that(!$request->has((string) $name) || isset($digests[strtolower((string) $name)]), 'header_not_signed');
    }
    foreach ($digests as $name => $digest) {
        $value = $request->only((string) $name, 'header_missing_or_repeated');
        require_that($digest === digest_label(hash('sha256', $value, true)), 'header_altered');
    }
}

function digest_label(string $sha256): string
{
    return 'sha-256:' . rtrim(strtr(base64_encode($sha256), '+/', '-_'), '=');
}

function verify_hmac(Request $request, Settings $settings, int $now): array
{
    $field = $request->only('X-Gateway-Signature', 'not_one_signature');
    require_that(strlen($field) <= MAX_BYTES, 'too_long');
    require_that(preg_match(SIGNATURE, $field, $parts) === 1, 'malformed');
    list(, $kid, $ts, $jti, $dec, $pol, $mac) = $parts;
    $secret = find_secret($settings->secrets, $kid);
    $host = $request->only('Host', 'host');
    $before = [$kid, $settings->audience, $ts, $jti, $dec, $pol, $request->method, $host, $request->target];
    $headers = present($request, array_keys($settings->headers));
    $holds = function (string $body) use ($before, $headers, $secret, $mac): bool {
        $signed = "GWv1\n" . length_prefixed(array_merge($before, [$body], $headers));
        return hash_equals(hash_hmac('sha256', $signed, $secret), $mac);
    };
    // First without the body: one that streams need not be read.
    require_that(
        ($settings->allows_unbound($request->target) && $holds('unbound')) || $holds(bin2hex(($request->sha256)())),
        'signature'
    );
    $made = (int) $ts;
    require_that($made - 2 - $settings->leeway_s <= $now && $now <= $made + 30 + $settings->leeway_s, 'time');
    return ['id' => $jti, 'anonymous' => count($headers) === 1, 'session' => ''];
}

/** Of the names that the policy injects, those that are there: their number, then name and value of each. */
function present(Request $request, array $names): array
{
    $found = array_map('strtolower', array_filter(array_map('strval', $names), [$request, 'has']));
    sort($found, SORT_STRING);
    $fields = [(string) count($found)];
    foreach ($found as $name) {
        array_push($fields, $name, $request->only($name, 'header_missing_or_repeated'));
    }
    return $fields;
}

function length_prefixed(array $values): string
{
    return implode('', array_map(function (string $value): string {
        return strlen($value) . ':' . $value . "\n";
    }, $values));
}

function find_secret(array $secrets, string $kid): string
{
    foreach ($secrets as $secret) {
        if (hash_equals(substr(hash('sha256', "gateway key id\n" . $secret), 0, 16), $kid)) {
            return $secret;
        }
    }
    throw new Refused('kid');
}

/** @return array a JWK whose own kind is the `alg` that the assertion names */
function find_key(array $keys, $kid, $alg): array
{
    require_that(in_array($alg, ['ES256', 'EdDSA'], true), 'alg');
    foreach ($keys as $key) {
        if ($key['kid'] === $kid) {
            require_that(($key['kty'] === 'EC' ? 'ES256' : 'EdDSA') === $alg, 'alg');
            return $key;
        }
    }
    throw new Refused('kid');
}

function signature_holds(array $key, string $signed, string $signature): bool
{
    if (strlen($signature) !== 64) {
        return false;
    }
    if ($key['kty'] === 'OKP') {
        return sodium_crypto_sign_verify_detached($signature, $signed, base64url($key['x']));
    }
    // SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480).
    $spki = hex2bin('3059301306072a8648ce3d020106082a8648ce3d03010703420004') . base64url($key['x']) . base64url($key['y']);
    $pem = "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode($spki), 64, "\n") . "-----END PUBLIC KEY-----\n";
    $der = der_integer(substr($signature, 0, 32)) . der_integer(substr($signature, 32));
    return openssl_verify($signed, "\x30" . chr(strlen($der)) . $der, $pem, OPENSSL_ALGO_SHA256) === 1;
}

/** A JWS has r and s side by side (RFC 7518 §3.4); OpenSSL wants them as ASN.1 integers. */
function der_integer(string $raw): string
{
    $digits = ltrim($raw, "\0");
    if ($digits === '' || ord($digits[0]) >= 0x80) {
        $digits = "\0" . $digits;
    }
    return "\x02" . chr(strlen($digits)) . $digits;
}

/** Base64url without padding, written the one canonical way. */
function base64url(string $text): string
{
    $raw = base64_decode(strtr($text, '-_', '+/'), true);
    require_that($raw !== false && rtrim(strtr(base64_encode($raw), '+/', '-_'), '=') === $text, 'malformed');
    return $raw;
}

function json_object(string $text, string $code = 'malformed'): array
{
    $value = json_decode($text, true, 16);
    require_that(is_array($value) && ltrim($text)[0] === '{', $code);
    return $value;
}

/** The usable keys of a JWKS: P-256 and Ed25519. None at all is a refusal. */
function usable_keys(string $jwks): array
{
    $keys = array_filter((array) (json_object($jwks, 'keys')['keys'] ?? []), function ($key): bool {
        $kind = is_array($key) ? [$key['kty'] ?? '', $key['crv'] ?? ''] : [];
        return is_string($key['kid'] ?? null) && ($kind === ['EC', 'P-256'] || $kind === ['OKP', 'Ed25519']);
    });
    require_that($keys !== [], 'keys');
    return $keys;
}

/** Read at each request: a rotation needs no restart. */
function published_keys(string $path): array
{
    require_that(is_readable($path), 'keys');
    return usable_keys((string) file_get_contents($path));
}
