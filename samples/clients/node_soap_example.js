// Lends, recognises and frees a number over SOAP, with the npm package soap (`npm install soap`).
// Start the gateway with `cargo run --release -- serve --demo`, then run this file. BASE names another address.
'use strict';

const soap = require('soap');

const BASE = process.env.BASE || 'http://127.0.0.1:8080';

// The Interact API takes its credentials from HTTP headers. The key of the application that runs the interaction may
// lend numbers; the key of the DNIS application may look them up and, together with a user, free them.
const CHANNEL = { 'Tenant-Id': '12345678', 'Application-Key': '53736e07e4b05772e6475c2d' };
const IVR = {
  'Tenant-Id': '12345678',
  'Application-Key': '53475e5f1463f9ab2052ead',
  'User-Id': Buffer.from('admin').toString('base64'),
  'User-Password': Buffer.from('password').toString('base64'),
};

async function main() {
  const client = await soap.createClientAsync(`${BASE}/interact/version/2/agent/soap/agent.wsdl`);

  const [lent] = await client.AllocateDnisAsync({ uniqueId: 'Unique Id 3', group: 'test' }, {}, CHANNEL);
  console.log(`lent: ${lent.result}`);

  const [recognised] = await client.GetDnisAllocationAsync({ phone: lent.result }, {}, IVR);
  console.log(`recognised: ${recognised.result}`);

  const [freed] = await client.FreeDnisAllocationAsync({ phone: lent.result }, {}, IVR);
  console.log(`freed: ${freed.result}`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
