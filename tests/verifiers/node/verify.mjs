// Form `rfc9421`: the signature is verified by a library; what docs/signatures.md leaves to the application is checked here.
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { createVerifier, ExpiredError, httpbis } from 'http-message-signatures';
import { parseDictionary } from 'structured-headers';

const MAX_BYTES = 4096;
const SKEW_S = 60;
const ALGORITHMS = { ES256: 'ecdsa-p256-sha256', EdDSA: 'ed25519' };
const ALWAYS = ['@method', '@authority', '@path', '@query', 'x-gateway-decision', 'x-gateway-audience', 'x-gateway-policy'];

class Refused extends Error {}

function requireThat(holds, reason) {
  if (!holds) throw new Refused(reason);
}

/** One request as it arrived. Values are texts of one character a byte, as Node's own server gives them. */
class Request {
  constructor(json) {
    this.method = json.method;
    this.target = Buffer.from(json.target, 'base64').toString('latin1');
    this.body = Buffer.from(json.body, 'base64');
    this.fields = new Map();
    for (const [name, value] of json.headers) {
      const folded = name.toLowerCase().replaceAll('_', '-');
      this.fields.set(folded, [...(this.fields.get(folded) ?? []), Buffer.from(value, 'base64').toString('latin1')]);
    }
  }

  only(name, reason) {
    const values = this.fields.get(name) ?? [];
    requireThat(values.length === 1, reason);
    return values[0];
  }
}

async function verify(request, expected) {
  const input = request.only('signature-input', 'not_one_signature');
  const signature = request.only('signature', 'not_one_signature');
  requireThat(input.length + signature.length <= MAX_BYTES, 'too_long');
  const { covered, parameters } = parsed(input, signature);
  const key = expected.keys.find((each) => each.kid === parameters.get('keyid'));
  requireThat(key !== undefined, 'kid');
  requireThat(parameters.get('alg') === ALGORITHMS[key.alg], 'alg');
  checkCovered(covered, request, expected);
  await checkSignature(request, key);

  requireThat(decoded(request.only('x-gateway-audience', 'audience')) === expected.audience, 'audience');
  const [created, expires] = [parameters.get('created'), parameters.get('expires')];
  requireThat(expires - created <= 60, 'time');
  requireThat(created - SKEW_S <= expected.now && expected.now <= expires + SKEW_S, 'time');
  checkBody(request, covered, expected);
  requireThat(!expected.seen.has(parameters.get('nonce')), 'replayed');
  expected.seen.add(parameters.get('nonce'));
  return covered.has('x-gateway-anonymous') && request.only('x-gateway-anonymous', 'malformed') === '?1';
}

function decoded(audience) {
  try {
    return decodeURIComponent(audience);
  } catch {
    return null;
  }
}

function parsed(input, signature) {
  let inputs, signatures;
  try {
    [inputs, signatures] = [parseDictionary(input), parseDictionary(signature)];
  } catch {
    throw new Refused('malformed');
  }
  requireThat([inputs, signatures].every((each) => each.size === 1 && each.has('gw')), 'not_one_signature');
  const [items, parameters] = inputs.get('gw');
  requireThat(Array.isArray(items), 'malformed');
  requireThat(parameters.get('tag') === 'gw-assert', 'tag');
  requireThat(['created', 'expires'].every((name) => Number.isInteger(parameters.get(name))), 'malformed');
  requireThat(/^[!-~]{32}$/.test(parameters.get('nonce') ?? ''), 'malformed');
  const covered = new Set(items.map(([name]) => name));
  requireThat(covered.size === items.length, 'malformed');
  for (const [name, options] of items) {
    // `;req`, `;sf`, `;key` would cover something else than what the name says.
    requireThat(options.size === 0 || (options.size === 1 && options.get('bs') === true && !name.startsWith('@')), 'malformed');
  }
  return { covered, parameters };
}

function checkCovered(covered, request, expected) {
  requireThat(ALWAYS.every((name) => covered.has(name)), 'not_covered');
  requireThat(covered.has('content-digest') !== covered.has('x-gateway-body'), 'body');
  for (const name of expected.headers) {
    requireThat(!request.fields.has(name) || covered.has(name), 'header_not_signed');
  }
  for (const name of covered) {
    if (!name.startsWith('@')) request.only(name, 'header_missing_or_repeated');
  }
}

async function checkSignature(request, key) {
  const [path, ...rest] = request.target.split('?');
  const message = {
    method: request.method,
    url: `http://${request.only('host', 'host')}${request.target}`,
    headers: Object.fromEntries([...request.fields].map(([name, values]) => [name, values[0]])),
  };
  const verifier = createVerifier(createPublicKey({ key, format: 'jwk' }), ALGORITHMS[key.alg]);
  const verified = await httpbis.verifyMessage(
    {
      keyLookup: async () => ({ id: key.kid, algs: [ALGORITHMS[key.alg]], verify: verifier }),
      requiredParams: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
      requiredFields: ALWAYS,
      tolerance: SKEW_S,
      // The library derives these through a URL parser, and a wrapped value from a text in UTF-8: give it the raw bytes.
      componentParser: (name, options) => {
        if (name === '@path') return [path];
        if (name === '@query') return [`?${rest.join('?')}`];
        if (!options.has('bs')) return null;
        return [`:${Buffer.from(message.headers[name], 'latin1').toString('base64')}:`];
      },
    },
    message,
  ).catch((error) => {
    throw new Refused(error instanceof ExpiredError ? 'time' : `library: ${error.message}`);
  });
  requireThat(verified === true, 'signature');
}

function checkBody(request, covered, expected) {
  if (covered.has('x-gateway-body')) {
    requireThat(request.only('x-gateway-body', 'body') === 'unbound' && expected.allowUnbound, 'body');
    return;
  }
  const digest = createHash('sha256').update(request.body).digest('base64');
  requireThat(request.only('content-digest', 'body') === `sha-256=:${digest}:`, 'body');
}

const task = JSON.parse(readFileSync(0, 'utf8'));
const expected = {
  now: task.now,
  audience: task.audience,
  keys: task.keys.keys,
  headers: task.headers,
  allowUnbound: task.allow_unbound,
  seen: new Set(),
};
Date.now = () => task.now * 1000; // the library's clock
const verdicts = [];
for (const json of task.requests) {
  try {
    verdicts.push({ accepted: true, anonymous: await verify(new Request(json), expected) });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    verdicts.push({ accepted: false, reason: error.message });
  }
}
console.log(JSON.stringify(verdicts));
