// The library as anybody would run it: PKCE for everyone, plain JSON userinfo, refresh tokens, both logouts.
import { randomUUID } from 'node:crypto';

import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

import { page } from './pages.mjs';

function logoutSource(ctx, form) {
  const button = '<button type="submit" name="logout" value="yes">Oui, me déconnecter</button></form>';
  ctx.body = page('Se déconnecter ?', form.replace('</form>', button));
}

async function signingKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: randomUUID() };
}

export async function build(setup, base) {
  const provider = new Provider(setup.issuer, {
    acrValues: ['1'],
    claims: {
      acr: null,
      auth_time: null,
      iss: null,
      sid: null,
      openid: ['sub'],
      profile: ['family_name', 'given_name', 'birthdate', 'gender', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clients: setup.clients,
    cookies: { keys: [randomUUID()] },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true, logoutSource },
    },
    // The library calls no loopback address of its own accord; here the gateway has no other.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    findAccount: (ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...setup.people[accountId] }) }),
    interactions: { url: (ctx, { uid }) => `${base}/interaction/${uid}` },
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys: [await signingKey()] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access'],
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 86400, IdToken: 300, Interaction: 600, RefreshToken: 86400, Session: 86400 },
  });
  return { provider, gate: () => null, refusal: () => null, session: { acr: '1', remember: false } };
}
