<?php

declare(strict_types=1);

const SIGNATURE = '/\Av1;kid=([0-9a-f]{16});ts=([1-9][0-9]{0,11});jti=([!-:<-~]{32});dec=([!-:<-~]+);pol=([0-9a-f]+);mac=([0-9a-f]{64})\z/';

/** Form `hmac`: returns whether the request is anonymous (no identity header is there), or throws Refused. */
function verify_hmac(Request $request, Expected $expected): bool
{
    $field = $request->only('x-gateway-signature', 'not_one_signature');
    require_that(strlen($field) <= MAX_BYTES, 'too_long');
    require_that(preg_match(SIGNATURE, $field, $parts) === 1, 'malformed');
    [, $kid, $ts, $jti, $dec, $pol, $mac] = $parts;
    $secret = secret_of($expected->secrets, $kid);

    $before = [$kid, $expected->audience, $ts, $jti, $dec, $pol, $request->method, $request->only('host', 'host'), $request->target];
    $headers = present($request, $expected->headers);
    $bodies = [hash('sha256', $request->body), ...($expected->allowUnbound ? ['unbound'] : [])];
    $holds = false;
    foreach ($bodies as $body) {
        $computed = hash_hmac('sha256', "GWv1\n" . fields([...$before, $body, ...$headers]), $secret);
        $holds = hash_equals($computed, $mac) || $holds;
    }
    require_that($holds, 'signature');

    require_that((int) $ts - 2 - SKEW_S <= $expected->now && $expected->now <= (int) $ts + 30 + SKEW_S, 'time');
    $expected->once($jti);
    return count($headers) === 1;
}

/** Of the names that the policy injects, those that are there: their number, then name and value of each. */
function present(Request $request, array $names): array
{
    $found = array_values(array_filter($names, $request->has(...)));
    sort($found, SORT_STRING);
    $fields = [(string) count($found)];
    foreach ($found as $name) {
        array_push($fields, $name, $request->only($name, 'header_missing_or_repeated'));
    }
    return $fields;
}

function fields(array $values): string
{
    return implode('', array_map(fn (string $value): string => strlen($value) . ':' . $value . "\n", $values));
}

function secret_of(array $secrets, string $kid): string
{
    foreach ($secrets as $secret) {
        if (hash_equals(substr(hash('sha256', "gateway key id\n" . $secret), 0, 16), $kid)) {
            return $secret;
        }
    }
    throw new Refused('kid');
}
