// Where the application was started by itself before.
import http from 'node:http';
import cantine from './cantine.mjs';
import passerelle from './passerelle.mjs';

const server = http.createServer(passerelle(cantine));
server.on('upgrade', passerelle.upgrade((req, socket) => {
  socket.end(`HTTP/1.1 101 Switching Protocols\r\nX-Nom: ${encodeURIComponent(req.headers['x-usager-nom'])}\r\n\r\n`);
}));
server.listen(Number(process.argv[2]), '127.0.0.1');
