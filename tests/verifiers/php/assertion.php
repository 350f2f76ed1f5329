<?php

declare(strict_types=1);

/** Form `jwt`: returns whether the request is anonymous, or throws Refused. */
function verify_assertion(Request $request, Expected $expected): bool
{
    $assertion = $request->only('x-gateway-assertion', 'not_one_signature');
    require_that(strlen($assertion) <= MAX_BYTES, 'too_long');
    $segments = explode('.', $assertion);
    require_that(count($segments) === 3, 'malformed');
    $header = json_object(base64url($segments[0]));
    $claims = json_object(base64url($segments[1]));

    require_that(($header['typ'] ?? null) === 'gw-assert+jwt', 'typ');
    $key = find_key($expected->keys, $header['kid'] ?? null, $header['alg'] ?? null);
    $signed = $segments[0] . '.' . $segments[1];
    require_that(signature_holds($key, $signed, base64url($segments[2])), 'signature');

    require_that(($claims['iss'] ?? null) === $expected->issuer, 'issuer');
    require_that(($claims['aud'] ?? null) === $expected->audience, 'audience');
    foreach (['iat', 'nbf', 'exp'] as $time) {
        require_that(is_int($claims[$time] ?? null), 'malformed');
    }
    require_that($claims['exp'] - $claims['iat'] <= 60, 'time');
    require_that($claims['nbf'] - SKEW_S <= $expected->now && $expected->now <= $claims['exp'] + SKEW_S, 'time');

    require_that(($claims['htm'] ?? null) === $request->method, 'method');
    require_that(($claims['hta'] ?? null) === $request->only('host', 'host'), 'host');
    require_that(($claims['htp'] ?? null) === $request->target, 'target');
    check_body($claims, $request, $expected);
    check_headers($claims['hdr'] ?? [], $request, $expected);

    require_that(is_string($claims['jti'] ?? null) && strlen($claims['jti']) === 32, 'malformed');
    $expected->once($claims['jti']);
    return ($claims['anon'] ?? false) === true;
}

function check_body(array $claims, Request $request, Expected $expected): void
{
    $digest = 'sha-256:' . rtrim(strtr(base64_encode(hash('sha256', $request->body, true)), '+/', '-_'), '=');
    require_that(match ($claims['bodm'] ?? null) {
        'empty' => $request->body === '' && !isset($claims['bod']),
        'digest' => ($claims['bod'] ?? null) === $digest,
        'unbound' => $expected->allowUnbound,
        default => false,
    }, 'body');
}

function check_headers(array $digests, Request $request, Expected $expected): void
{
    foreach ($expected->headers as $name) {
        require_that(!$request->has($name) || isset($digests[$name]), 'header_not_signed');
    }
    foreach ($digests as $name => $digest) {
        $value = $request->only((string) $name, 'header_missing_or_repeated');
        $found = 'sha-256:' . rtrim(strtr(base64_encode(hash('sha256', $value, true)), '+/', '-_'), '=');
        require_that($digest === $found, 'header_altered');
    }
}

function find_key(array $keys, mixed $kid, mixed $alg): array
{
    require_that(in_array($alg, ['ES256', 'EdDSA'], true), 'alg');
    foreach ($keys as $key) {
        if ($key['kid'] === $kid) {
            require_that($key['alg'] === $alg, 'alg');
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
    if ($key['alg'] === 'EdDSA') {
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

function json_object(string $text): array
{
    try {
        $value = json_decode($text, true, 16, JSON_THROW_ON_ERROR);
    } catch (JsonException) {
        throw new Refused('malformed');
    }
    require_that(is_array($value) && !array_is_list($value), 'malformed');
    return $value;
}
