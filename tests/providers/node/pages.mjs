// Plain HTML without script: a person reads it and presses a button, in a test as in a browser.
export function escape(text) {
  return String(text).replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

export function page(title, body) {
  return `<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>${escape(title)}</title></head>`
    + `<body><h1>${escape(title)}</h1>${body}</body></html>`;
}

export function choice(base, uid, people) {
  const buttons = Object.keys(people).map((login) => `<li><form method="post" action="${base}/interaction/${uid}/choose">`
    + `<button type="submit" name="login" value="${escape(login)}">${escape(login)}</button></form></li>`);
  return page('Choisir une identité d’essai', `<ul>${buttons.join('')}</ul>${back(base, uid)}`);
}

export function confirmation(base, uid, login) {
  return page('Vous êtes identifié', `<p>${escape(login)}</p><form method="post" action="${base}/interaction/${uid}/confirm">`
    + `<button type="submit" name="login" value="${escape(login)}">Continuer vers le service</button></form>${back(base, uid)}`);
}

function back(base, uid) {
  return `<p><a href="${base}/interaction/${uid}/back">Revenir au service</a></p>`;
}
