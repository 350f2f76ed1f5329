<?php

declare(strict_types=1);

/** Why a request is not believed; the message is a short code. */
final class Refused extends RuntimeException
{
}

function require_that(bool $holds, string $reason): void
{
    if (!$holds) {
        throw new Refused($reason);
    }
}

/** One request as it arrived: nothing decoded, nothing normalised. */
final class Request
{
    /** @param array<string, list<string>> $fields values by name in lower case, `_` read as `-` */
    private function __construct(
        public readonly string $method,
        public readonly string $target,
        public readonly string $body,
        private readonly array $fields,
    ) {
    }

    public static function fromJson(array $json): self
    {
        $fields = [];
        foreach ($json['headers'] as [$name, $value]) {
            // CGI and PHP know one variable for all of these spellings.
            $fields[strtr(strtolower($name), '_', '-')][] = base64_decode($value, true);
        }
        return new self($json['method'], base64_decode($json['target'], true), base64_decode($json['body'], true), $fields);
    }

    public function has(string $name): bool
    {
        return isset($this->fields[$name]);
    }

    /** The only value of a field; a second one is refused. */
    public function only(string $name, string $reason): string
    {
        require_that(count($this->fields[$name] ?? []) === 1, $reason);
        return $this->fields[$name][0];
    }
}

/** What the integrator configured, and the ids seen so far (in production: APCu, two minutes). */
final class Expected
{
    private array $seen = [];

    /** @param list<string> $headers every name that the route's policy injects, in lower case */
    public function __construct(
        public readonly int $now,
        public readonly string $issuer,
        public readonly string $audience,
        public readonly array $keys,
        public readonly array $secrets,
        public readonly array $headers,
        public readonly bool $allowUnbound,
    ) {
    }

    public function once(string $id): void
    {
        require_that(!isset($this->seen[$id]), 'replayed');
        $this->seen[$id] = true;
    }
}

const MAX_BYTES = 4096;
const SKEW_S = 60;
