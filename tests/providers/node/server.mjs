// node server.mjs SETUP.json: one provider on loopback, set up by the test that starts it.
import { moveTo } from './clock.mjs';

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { choice, confirmation } from './pages.mjs';

const setup = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const base = new URL(setup.issuer).pathname.replace(/\/$/, '');
const { build } = await import(`./${setup.kind}.mjs`);
const { provider, gate, refusal, session } = await build(setup, base);
const handle = provider.callback();
const errors = [];
const refreshed = new Set();
let refreshes = 0;

provider.on('refresh_token.saved', (token) => refreshed.add(token.jti));
provider.on('grant.success', (ctx) => {
  if (ctx.oidc.params.grant_type === 'refresh_token') refreshes += 1;
});

for (const event of ['server_error', 'authorization.error', 'grant.error', 'userinfo.error', 'backchannel.error', 'end_session.error']) {
  provider.on(event, (ctx, error) => errors.push(`${event}: ${error.message} ${error.error_detail ?? ''} ${error.cause ?? ''}`));
}

export async function read(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

function answer(response, status, body, type = 'text/html; charset=utf-8') {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

// What a test asks of the process itself; nothing of this exists at a provider.
async function asked(path, request, response) {
  if (path === '/_test/clock') {
    moveTo(Number(await read(request)));
    return answer(response, 204);
  }
  if (path === '/_test/introspect') {
    const token = await provider.AccessToken.find(await read(request));
    const known = token && token.isValid ? { client_id: token.clientId, scope: token.scope, login: token.accountId } : null;
    return answer(response, 200, JSON.stringify(known), 'application/json');
  }
  if (path === '/_test/refreshed') return answer(response, 200, JSON.stringify(refreshes), 'application/json');
  if (path === '/_test/forget') {
    for (const jti of refreshed) await (await provider.RefreshToken.find(jti))?.destroy();
    return answer(response, 204);
  }
  return answer(response, 200, JSON.stringify(errors), 'application/json');
}

async function interact(request, response) {
  const [uid, step] = request.url.split('/').slice(2);
  const { params, session: held } = await provider.interactionDetails(request, response);
  const finish = (result) => provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  if (step === 'back') return finish({ error: 'access_denied', error_description: 'User auth aborted' });
  if (request.method === 'GET') {
    const refused = refusal(params);
    if (refused) return finish(refused);
    const shown = held && setup.people[held.accountId] ? confirmation(base, uid, held.accountId) : choice(base, uid, setup.people);
    return answer(response, 200, shown);
  }
  const login = new URLSearchParams(await read(request)).get('login');
  if (!setup.people[login]) return answer(response, 400, 'nobody of that name');
  if (step === 'choose') return answer(response, 200, confirmation(base, uid, login));
  const grant = new provider.Grant({ accountId: login, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  const ts = Math.floor(Date.now() / 1000);
  return finish({ login: { accountId: login, ts, ...session }, consent: { grantId } });
}

async function serve(request, response) {
  const { pathname } = new URL(request.url, setup.issuer);
  if (pathname.startsWith('/_test/')) return asked(pathname, request, response);
  if (!pathname.startsWith(`${base}/`)) return answer(response, 404, 'Y000404');
  // The library computes its own addresses from the difference of these two.
  request.url = request.url.slice(base.length);
  if (request.url.startsWith('/interaction/')) {
    request.originalUrl = base + request.url;
    return interact(request, response);
  }
  const refused = await gate(request);
  if (refused) return answer(response, 400, ...refused);
  request.originalUrl = base + request.url;
  return handle(request, response);
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    errors.push(`interaction: ${error.message}`);
    if (!response.headersSent) answer(response, 400, `<p>Y420001</p>`);
  });
});
server.listen(Number(new URL(setup.issuer).port), '127.0.0.1', () => console.log('listening'));
// Nobody is left to ask once the test that started it has gone.
process.stdin.on('end', () => process.exit(0)).resume();
