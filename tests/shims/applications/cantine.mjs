// An application of the old kind: it knows nothing of what runs before it.
import { appendFileSync } from 'node:fs';

export default function cantine(req, res) {
  appendFileSync(process.env.RAN, 'x');
  const named = Object.entries({ ...req.headers, ...pairs(req.rawHeaders) });
  const identity = Object.fromEntries(named.filter(([name]) => /usager|tranche|portail|gateway/i.test(name)));
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ identity, body: Buffer.concat(chunks).toString('latin1') }));
  });
}

function pairs(raw) {
  return Object.fromEntries(raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1]]] : [])));
}
