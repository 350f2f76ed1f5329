// FranceConnect v2 (low), as its own server is configured, and the closed lists that stand in front of the library.
import { createHash, randomUUID } from 'node:crypto';

import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

import { page } from './pages.mjs';

const ERRORS = 'https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-erreurs/';
const REQUIRED = ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'nonce', 'acr_values'];
const OPTIONAL = ['prompt', 'claims', 'idp_hint', 'ui_locales'];
const LOGOUT = ['id_token_hint', 'post_logout_redirect_uri', 'state', 'client_id', 'logout_hint', 'ui_locales'];
const LEVELS = ['eidas1', 'eidas2', 'eidas3'];

// The library's words → the code that FranceConnect shows for them.
const CODES = [
  ['client is invalid', 'Y04EA6EF'],
  ['post_logout_redirect_uri not registered', 'Y04CFAEF'],
  ['redirect_uri', 'Y04C013C'],
  ['id_token_hint', 'Y045AFAE'],
];

async function signingKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), use: 'sig', alg, kid: `pkcs11:${alg}:hsm` };
}

function configuration(setup, base, keys) {
  return {
    acrValues: ['eidas1'],
    acceptQueryParamAccessTokens: true,
    clockTolerance: 0,
    claims: { acr: null, auth_time: null, iss: null, amr: null, ...setup.claims },
    clientAuthMethods: ['client_secret_post', 'private_key_jwt'],
    clientDefaults: { grant_types: ['authorization_code'], response_types: ['code'], token_endpoint_auth_method: 'client_secret_post' },
    clients: setup.clients,
    cookies: { keys: [randomUUID()], long: { sameSite: 'lax', signed: true, path: '/' }, short: { sameSite: 'lax', signed: true, path: '/' } },
    enabledJWA: {
      idTokenSigningAlgValues: ['HS256', 'ES256', 'RS256'],
      userinfoSigningAlgValues: ['HS256', 'ES256', 'RS256'],
      clientAuthSigningAlgValues: ['ES256', 'RS256'],
    },
    extraParams: ['idp_hint'],
    features: {
      backchannelLogout: { enabled: false },
      claimsParameter: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      introspection: { enabled: false },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource },
    },
    findAccount: (ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...setup.people[accountId] }) }),
    interactions: { url: (ctx, { uid }) => `${base}/interaction/${uid}` },
    jwks: { keys },
    pairwiseIdentifier: (ctx, accountId, client) => `${createHash('sha256').update(`${client.clientId} ${accountId}`).digest('hex')}v1`,
    pkce: { required: () => false },
    renderError,
    responseTypes: ['code'],
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      jwks: '/jwks',
      end_session: '/session/end',
      revocation: '/token/revocation',
    },
    scopes: ['openid'],
    subjectTypes: ['pairwise'],
    ttl: { AccessToken: 60, AuthorizationCode: 30, Grant: 30, IdToken: 60, Interaction: 1800, Session: 1800 },
  };
}

function logoutSource(ctx, form) {
  ctx.body = page('Déconnexion', form.replace('</form>', '<input type="hidden" name="logout" value="yes"/></form>'));
}

function postLogoutSuccessSource(ctx) {
  ctx.body = page('Vous êtes déconnecté', '');
}

function renderError(ctx, out) {
  const code = CODES.find(([words]) => out.error_description?.includes(words))?.[1] ?? 'Y040000';
  ctx.type = 'html';
  ctx.body = page('Une erreur technique est survenue', `<p>${code}</p>`);
}

// FranceConnect adds the library's own detail, and where to read about it.
function explain(provider) {
  const details = new WeakMap();
  for (const event of ['grant.error', 'userinfo.error', 'revocation.error']) {
    provider.on(event, (ctx, error) => details.set(ctx, error.error_detail));
  }
  provider.use(async (ctx, next) => {
    await next();
    if (!ctx.body?.error_description || ctx.type !== 'application/json') return;
    const error_uri = `${ERRORS}?code=Y040000&id=${randomUUID()}`;
    ctx.body = { ...ctx.body, error_description: `${ctx.body.error_description} (${details.get(ctx)})`, error_uri };
  });
}

const page400 = (code) => [page('Une erreur technique est survenue', `<p>${code}</p>`)];
const json400 = (code) => [JSON.stringify({ error: 'invalid_request', error_description: code }), 'application/json'];

function once(text) {
  const pairs = [...new URLSearchParams(text)];
  const found = Object.fromEntries(pairs);
  return Object.keys(found).length === pairs.length ? found : null;
}

function isUrl(text) {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

function isClaims(text) {
  try {
    const claims = JSON.parse(text);
    return typeof claims === 'object' && claims !== null;
  } catch {
    return false;
  }
}

function acceptable(asked) {
  if (!asked || REQUIRED.some((name) => !asked[name])) return false;
  if (Object.keys(asked).some((name) => !REQUIRED.includes(name) && !OPTIONAL.includes(name))) return false;
  const prompts = asked.prompt?.split(' ');
  if (prompts && (!prompts.some((each) => ['login', 'consent'].includes(each)) || prompts.some((each) => !['login', 'consent'].includes(each)))) return false;
  if (asked.claims !== undefined && !isClaims(asked.claims)) return false;
  return asked.nonce.length >= 22 && isUrl(asked.redirect_uri) && asked.scope.split(' ').includes('openid');
}

function forced(asked) {
  const known = asked.acr_values.split(' ').filter((each) => LEVELS.includes(each)).sort();
  return { ...asked, prompt: 'login consent', acr_values: known[0] ?? 'eidas1' };
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

async function gate(request) {
  const { pathname, search } = new URL(request.url, 'http://localhost');
  if (pathname === '/authorize') {
    const asked = once(request.method === 'POST' ? await body(request) : search);
    if (!acceptable(asked)) return page400('Y030007');
    if (asked.claims && JSON.parse(asked.claims).id_token?.amr !== undefined) return page400('Y100009');
    // The library takes a POST here only with cookies that lax forbids; FranceConnect takes it and keeps them lax.
    request.method = 'GET';
    request.url = `${pathname}?${new URLSearchParams(forced(asked))}`;
  } else if (pathname === '/userinfo' && request.method !== 'GET') {
    return page400('Y000404');
  } else if (pathname === '/session/end') {
    const asked = once(search);
    if (request.method !== 'GET' || !asked?.id_token_hint) return page400('Y030007');
    if (Object.keys(asked).some((name) => !LOGOUT.includes(name))) return page400('Y030007');
  } else if (pathname === '/token/revocation') {
    request.body = once(await body(request));
    if (!request.body || Object.keys(request.body).sort().join() !== 'client_id,client_secret,token') return json400('Y030007');
    if (request.body.token.length < 43 || request.body.client_secret.length < 32) return json400('Y030007');
  }
  return null;
}

function refusal(params) {
  if (params.acr_values !== 'eidas1') {
    const error_description = `acr_value is not valid, should be equal one of these values, expected eidas1, got ${params.acr_values}`;
    return { error: 'invalid_acr', error_description };
  }
  if (params.idp_hint !== undefined) {
    return { error: 'invalid_idp_hint', error_description: 'An idp_hint was provided but is not allowed' };
  }
  return null;
}

export async function build(setup, base) {
  const keys = [await signingKey('ES256'), await signingKey('RS256')];
  
  const provider = new Provider(setup.issuer, configuration(setup, base, keys));
  explain(provider);
  return { provider, gate, refusal, session: { acr: 'eidas1', amr: ['fc', 'pwd'], remember: false } };
}
