// Verifies every request before a Node application sees it; the application's own code stays as it is.
//     http.createServer(passerelle(app)).listen(8081)            // express, or any listener of `request`
//     server.on('upgrade', passerelle.upgrade(listener))         // WebSocket: an event of its own
//
// The configuration is passerelle.json beside this file, the file that PASSERELLE_CONFIG names, or a second argument. It is
// read once: a mistake in it stops the start. Node 18 or later; no package.
//
// The steps and their order: docs/signatures.md. Whatever goes wrong, the answer is 403 and the application does not run.

import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAX_BYTES = 4096;
// Longer than any signature is good for: 32 s and the tolerance at both ends.
const REMEMBERED_S = 300;
const KEYS_ASKED_S = 60, KEYS_RENEWED_S = 300, KEYS_LAST_S = 3600;
const ENCODINGS = ['utf-8', 'latin-1', 'percent', 'base64', 'rfc8187'];
const SIGNATURE = /^v1;kid=([0-9a-f]{16});ts=([1-9][0-9]{0,11});jti=([!-:<-~]{32});dec=([!-:<-~]+);pol=([0-9a-f]+);mac=([0-9a-f]{64})$/;
const IN_CLEAR = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/;
const PAGE = '403. Cette page ne s’ouvre que par la passerelle. / This page opens through the gateway alone.\n';
const DEFAULTS = {
  form: undefined, issuer: undefined, audience: undefined, headers: undefined, keys: '', secrets: [], allow_unbound: [],
  seen: '', remote_user: '', max_body_bytes: 1_000_000, leeway_s: 60,
};

// Why a request is not believed: a short code, never a value.
class Refused extends Error {}

function need(holds, code) {
  if (!holds) throw new Refused(code);
}

// Letters and digits in lower case: what all spellings of a name have in common.
const fold = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

const sha256 = (data) => createHash('sha256').update(data).digest();
const label = (digest) => `sha-256:${digest.toString('base64url')}`;
const now = () => Math.floor(Date.now() / 1000);

// What the integrator wrote. A misspelt name is refused: it would leave a protection out in silence.
function settingsFrom(path) {
  const settings = { ...DEFAULTS, ...objectFrom(readFileSync(path, 'utf8'), 'configuration') };
  need(Object.keys(settings).every((name) => name in DEFAULTS), 'configuration');
  need(settings.issuer && settings.audience && settings.headers, 'configuration');
  need(Object.values(settings.headers).every((each) => ENCODINGS.includes(each)), 'configuration');
  need(settings.form === 'jwt' ? settings.keys : settings.form === 'hmac' && settings.secrets.length, 'configuration');
  need(settings.leeway_s >= 0 && settings.leeway_s <= 60 && settings.max_body_bytes >= 0, 'configuration');
  need(Array.isArray(settings.allow_unbound) && settings.remote_user === '', 'configuration');
  const beside = (name) => resolve(dirname(path), name);
  settings.secrets = settings.secrets.map((name) => secretFrom(beside(name)));
  if (settings.form === 'jwt' && !settings.keys.includes('://')) settings.keys = beside(settings.keys);
  if (settings.seen) accessSync((settings.seen = beside(settings.seen)), constants.W_OK);
  return settings;
}

function secretFrom(path) {
  need(existsSync(path), 'secrets');
  const secret = Buffer.from(readFileSync(path, 'latin1').replace(/[\r\n]+$/, ''), 'latin1');
  need(secret.length >= 32, 'secrets');
  return secret;
}

// A place ends with a slash and covers what is below, or is one path exactly.
function allowsUnbound(settings, target) {
  const path = target.split('?', 1)[0];
  return settings.allow_unbound.some((each) => path === each || (each.endsWith('/') && path.startsWith(each)));
}

// The published keys: a file, read again when it changes, or an address, asked at most once a minute.
class Keys {
  #keys = new Map();
  #read = '';
  #askedAt = -Infinity;
  #gotAt = -Infinity;

  constructor(source) {
    this.source = source;
    this.isFile = !source.includes('://');
    need(this.isFile || source.startsWith('https://') || IN_CLEAR.test(source), 'configuration');
    if (this.isFile) this.#renewFile();
  }

  async find(kid) {
    if (this.isFile) this.#renewFile();
    else await this.#renew(KEYS_RENEWED_S);
    if (!this.#keys.has(kid) && !this.isFile) await this.#renew(0);
    need(this.#keys.size > 0, 'keys');
    need(this.#keys.has(kid), 'kid');
    return this.#keys.get(kid);
  }

  #renewFile() {
    try {
      const { mtimeMs, size, ino } = statSync(this.source);
      const read = [mtimeMs, size, ino].join();
      if (read === this.#read) return;
      this.#keys = usableKeys(readFileSync(this.source, 'utf8'));
      this.#read = read;
    } catch {
      this.#keys = new Map();
      this.#read = '';
    }
    need(this.#keys.size > 0, 'keys');
  }

  async #renew(afterS) {
    const at = performance.now() / 1000;
    if (at - this.#gotAt > afterS && at - this.#askedAt >= KEYS_ASKED_S) {
      this.#askedAt = at;
      try {
        const answer = await fetch(this.source, { redirect: 'error', signal: AbortSignal.timeout(3000) });
        need(answer.status === 200, 'keys');
        this.#keys = usableKeys(await answer.text());
        this.#gotAt = performance.now() / 1000;
      } catch {
        console.error('passerelle: the keys could not be fetched');
      }
    }
    if (at - this.#gotAt > KEYS_LAST_S) this.#keys = new Map();
  }
}

// P-256 and Ed25519 by `kid`, each with the one `alg` that it is for.
function usableKeys(jwks) {
  const keys = new Map();
  for (const { kty, crv, x, y, kid } of objectFrom(jwks, 'keys').keys) {
    const alg = { 'EC P-256': 'ES256', 'OKP Ed25519': 'EdDSA' }[`${kty} ${crv}`];
    if (alg) keys.set(kid, { alg, key: createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' }) });
  }
  return keys;
}

// Ids that were here: in a folder that processes share, or in this process alone.
class Seen {
  #until = new Map();
  constructor(folder) {
    this.folder = folder;
  }

  once(id, method) {
    if (method === 'GET' || method === 'HEAD') return;
    const name = sha256(id).toString('hex');
    if (this.folder) this.#onceInFolder(name);
    else this.#onceHere(name);
  }

  #onceHere(name) {
    for (const [each, until] of this.#until) {
      if (until >= performance.now()) break;
      this.#until.delete(each);
    }
    need(!this.#until.has(name), 'replayed');
    this.#until.set(name, performance.now() + REMEMBERED_S * 1000);
  }

  #onceInFolder(name) {
    try {
      closeSync(openSync(join(this.folder, name), 'wx')); // made or refused, in one step
    } catch (error) {
      throw new Refused(error.code === 'EEXIST' ? 'replayed' : 'seen');
    }
    if (!name.startsWith('00')) return;
    for (const each of readdirSync(this.folder).filter((other) => /^[0-9a-f]{64}$/.test(other))) {
      const path = join(this.folder, each);
      if (statSync(path).mtimeMs < Date.now() - REMEMBERED_S * 1000) unlinkSync(path);
    }
  }
}

// One request as it arrived: nothing decoded, nothing normalised.
class Arrived {
  constructor(req) {
    this.method = req.method;
    this.target = req.url;
    this.fields = [];
    for (let at = 0; at < req.rawHeaders.length; at += 2) {
      this.fields.push([fold(req.rawHeaders[at]), req.rawHeaders[at + 1]]);
    }
  }

  values(name) {
    return this.fields.filter(([each]) => each === fold(name)).map(([, value]) => value);
  }

  only(name, code) {
    const values = this.values(name);
    need(values.length === 1, code);
    return values[0];
  }
}

// Each of the two: `body()` promises the whole body, and is asked for it when the signature covers one.
async function verifyAssertion(request, settings, keys, body) {
  const assertion = request.only('X-Gateway-Assertion', 'not_one_signature');
  need(assertion.length <= MAX_BYTES, 'too_long');
  const segments = assertion.split('.');
  need(segments.length === 3, 'malformed');
  const [header, claims] = segments.slice(0, 2).map((each) => objectFrom(base64url(each).toString('utf8'), 'malformed'));
  need(typeof claims.jti === 'string' && claims.jti.length === 32, 'malformed');

  need(header.typ === 'gw-assert+jwt', 'typ');
  need(['ES256', 'EdDSA'].includes(header.alg), 'alg');
  const { alg, key } = await keys.find(header.kid);
  need(alg === header.alg, 'alg');
  const signed = Buffer.from(`${segments[0]}.${segments[1]}`);
  const signature = base64url(segments[2]);
  const hash = alg === 'ES256' ? 'sha256' : null;
  need(signature.length === 64 && verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature), 'signature');

  need(claims.iss === settings.issuer, 'issuer');
  need(claims.aud === settings.audience, 'audience');
  checkTimes(claims, settings);
  need(claims.htm === request.method, 'method');
  need(claims.hta === request.only('Host', 'host'), 'host');
  need(claims.htp === request.target, 'target');
  await checkBody(claims, request, settings, body);
  checkHeaders(claims.hdr ?? {}, request, settings);
  return claims.jti;
}

function checkTimes({ iat, nbf, exp }, { leeway_s: leeway }) {
  need([iat, nbf, exp].every(Number.isInteger), 'malformed');
  need(exp - iat <= 60 && nbf - leeway <= now() && now() <= exp + leeway, 'time');
}

async function checkBody({ bodm, bod }, request, settings, body) {
  if (bodm === 'unbound') {
    need(allowsUnbound(settings, request.target), 'body');
    return;
  }
  need(bodm === 'digest' || (bodm === 'empty' && bod === undefined), 'body');
  need((bodm === 'digest' ? bod : label(sha256(''))) === label(sha256(await body())), 'body');
}

function checkHeaders(digests, request, settings) {
  need(typeof digests === 'object' && !Array.isArray(digests), 'malformed');
  for (const name of Object.keys(settings.headers)) {
    need(request.values(name).length === 0 || Object.hasOwn(digests, name.toLowerCase()), 'header_not_signed');
  }
  for (const [name, digest] of Object.entries(digests)) {
    const value = request.only(name, 'header_missing_or_repeated');
    need(digest === label(sha256(Buffer.from(value, 'latin1'))), 'header_altered');
  }
}

async function verifyMac(request, settings, body) {
  const value = request.only('X-Gateway-Signature', 'not_one_signature');
  need(value.length <= MAX_BYTES, 'too_long');
  const parts = SIGNATURE.exec(value);
  need(parts, 'malformed');
  const [, kid, ts, jti, dec, pol, mac] = parts;
  const secret = settings.secrets.find((each) => keyId(each) === kid);
  need(secret, 'kid');
  const before = [kid, Buffer.from(settings.audience), ts, jti, dec, pol, request.method, request.only('Host', 'host'), request.target];
  const headers = present(request, settings);
  const holds = (bound) => {
    const message = Buffer.concat([Buffer.from('GWv1\n'), ...[...before, bound, ...headers].map(lengthPrefixed)]);
    return timingSafeEqual(createHmac('sha256', secret).update(message).digest(), Buffer.from(mac, 'hex'));
  };
  // First without the body: one that streams need not be read.
  const unbound = allowsUnbound(settings, request.target) && holds('unbound');
  need(unbound || holds(sha256(await body()).toString('hex')), 'signature');
  const [made, leeway] = [Number(ts), settings.leeway_s];
  need(made - 2 - leeway <= now() && now() <= made + 30 + leeway, 'time');
  return jti;
}

const keyId = (secret) => sha256(Buffer.concat([Buffer.from('gateway key id\n'), secret])).toString('hex').slice(0, 16);

// Of the names that the policy injects, those that are there: their number, then name and value of each.
function present(request, settings) {
  const names = Object.keys(settings.headers).filter((name) => request.values(name).length > 0);
  const found = names.map((name) => name.toLowerCase()).sort();
  return [String(found.length), ...found.flatMap((name) => [name, request.only(name, 'header_missing_or_repeated')])];
}

// Text of a request is in Latin-1, as Node reads it: one character a byte.
function lengthPrefixed(value) {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from('\n')]);
}

// Without padding, written the one canonical way.
function base64url(text) {
  const raw = Buffer.from(text, 'base64url');
  need(raw.toString('base64url') === text, 'malformed');
  return raw;
}

function objectFrom(text, code) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refused(code);
  }
  need(value !== null && typeof value === 'object' && !Array.isArray(value), code);
  return value;
}

// The text of a value. What came as bytes stays as Node writes bytes.
function decoded(value, encoding) {
  try {
    if (encoding === 'percent') return decodeURIComponent(value);
    if (encoding === 'base64') return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'base64'));
    if (encoding === 'rfc8187' && /^utf-8''/i.test(value)) return decodeURIComponent(value.slice(7));
  } catch {
    throw new Refused('value_encoding');
  }
  need(encoding !== 'rfc8187', 'value_encoding');
  return value;
}

// Take the identity away under every name that it has, then set what was verified.
function handOver(req, request, settings) {
  const ours = new Set(Object.keys(settings.headers).map(fold));
  const isOurs = (name) => ours.has(fold(name)) || fold(name).startsWith('xgateway');
  const headers = Object.fromEntries(Object.entries(req.headers).filter(([name]) => !isOurs(name)));
  const raw = [];
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    if (!isOurs(req.rawHeaders[at])) raw.push(req.rawHeaders[at], req.rawHeaders[at + 1]);
  }
  for (const [name, encoding] of Object.entries(settings.headers)) {
    if (request.values(name).length === 0) continue;
    headers[name.toLowerCase()] = decoded(request.only(name, 'header_missing_or_repeated'), encoding);
    raw.push(name, headers[name.toLowerCase()]);
  }
  req.rawHeaders = raw;
  req.headers = headers;
}

// Read to its end even when it is too long: the answer is 403, no broken connection.
function bodyOf(req, atMost) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let length = 0;
    req.on('data', (chunk) => {
      length += chunk.length;
      if (length <= atMost) chunks.push(chunk);
    });
    req.on('end', () => (length <= atMost ? resolve(Buffer.concat(chunks)) : reject(new Refused('body_too_long'))));
    req.on('error', reject);
  });
}

// The same request with its body once more.
function again(req, body) {
  const copy = new IncomingMessage(req.socket);
  for (const name of ['method', 'url', 'httpVersion', 'httpVersionMajor', 'httpVersionMinor', 'rawHeaders', 'headers']) {
    copy[name] = req[name];
  }
  copy.complete = true;
  copy.push(body);
  copy.push(null);
  return copy;
}

function verifierFrom(config) {
  const beside = join(dirname(fileURLToPath(import.meta.url)), 'passerelle.json');
  const settings = settingsFrom(resolve(config ?? process.env.PASSERELLE_CONFIG ?? beside));
  const keys = settings.form === 'jwt' ? new Keys(settings.keys) : null;
  const seen = new Seen(settings.seen);
  // The request to hand on.
  return async (req) => {
    const request = new Arrived(req);
    let read = null;
    const body = async () => (read = await bodyOf(req, settings.max_body_bytes));
    const id = keys ? await verifyAssertion(request, settings, keys, body) : await verifyMac(request, settings, body);
    seen.once(id, request.method);
    handOver(req, request, settings);
    return read === null ? req : again(req, read);
  };
}

function guarded(listener, config, refuse) {
  const verified = verifierFrom(config);
  return async function guard(req, ...rest) {
    let request;
    try {
      request = await verified(req);
    } catch (error) {
      console.error(`passerelle: refused, code=${error instanceof Refused ? error.message : `error, ${error.name}`}`);
      refuse(...rest);
      return;
    }
    listener.call(this, request, ...rest);
  };
}

export default function passerelle(listener, config) {
  const fields = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', Connection: 'close' };
  return guarded(listener, config, (res) => res.writeHead(403, fields).end(PAGE));
}

// An upgrade has no body and no answer object.
passerelle.upgrade = (listener, config) =>
  guarded(listener, config, (socket) => socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'));
