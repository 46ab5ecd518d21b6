// Drives a running demo gateway with the npm package `soap`, generated from the WSDLs that it serves.
// Usage: with BASE set to the gateway's address, `node node_client.js`; NODE_PATH names the folder of the modules.
// FAULT_CODE is the code that wrong credentials are expected to have, the vendor's unless set.
// Prints one line per check, exits 1 when one failed.
'use strict';

const soap = require('soap');

const TENANT = '12345678';
const DNIS_KEY = '53475e5f1463f9ab2052ead';
const INTERACTION_KEY = '53736e07e4b05772e6475c2d';
const CHANNEL = { 'Tenant-Id': TENANT, 'Application-Key': INTERACTION_KEY };
const IVR = { 'Tenant-Id': TENANT, 'Application-Key': DNIS_KEY };
const ADMINISTRATOR = { ...IVR, 'User-Id': 'YWRtaW4=', 'User-Password': 'cGFzc3dvcmQ=' };

const OPERATIONS = ['AllocateDnis', 'CreatePhone', 'FreeDnisAllocation', 'GetDnisAllocation'];
const FAULT_CODE = process.env.FAULT_CODE || '0x7000000';
const FAULT_TEXT = 'Request is unauthorized, missing or wrong credentials';
const NO_NUMBER = 'Currently there are no available phone numbers';
const notFound = (phone) => `Phone number ${phone} was not found`;

let passed = 0;
let failed = 0;

function check(holds, what, whyNot) {
  if (holds) passed += 1;
  else failed += 1;
  console.log(holds ? `ok - ${what}` : `not ok - ${what}: ${whyNot}`);
}

function equal(found, expected, what) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  check(left === right, what, `expected ${right}, found ${left}`);
}

/** The operations that every port of every service of the client's WSDL describes, sorted. */
function operationsOf(client) {
  const names = new Set();
  for (const service of Object.values(client.describe())) {
    for (const port of Object.values(service)) Object.keys(port).forEach((name) => names.add(name));
  }
  return [...names].sort();
}

/** One call with these HTTP headers; the `result` of the answer, '' when it is empty. */
async function call(client, headers, operation, payload) {
  const [answer] = await client[`${operation}Async`](payload, {}, headers);
  if (answer === null || !('result' in answer)) throw new Error(`${operation} answered ${JSON.stringify(answer)}`);
  return answer.result === null || answer.result === undefined ? '' : answer.result;
}

async function lending(client, name, phone) {
  const [group, uniqueId, dnId] = [`node ${name}`, `Unique Id ${name} <1> & 2`, phone.slice(-5)];
  const create = () =>
    call(client, ADMINISTRATOR, 'CreatePhone', { phoneNumber: phone, dnId, groupName: group, enabled: true });
  const allocate = (id) => call(client, CHANNEL, 'AllocateDnis', { uniqueId: id, group });
  const get = (number) => call(client, IVR, 'GetDnisAllocation', { phone: number });
  const free = () => call(client, ADMINISTRATOR, 'FreeDnisAllocation', { phone });

  const numberId = await create();
  check(/^[0-9]+$/.test(numberId), `${name}: CreatePhone answers a numeric id`, JSON.stringify(numberId));
  equal(
    await create(),
    `Cannot create Phone '${phone}'. A phone with that name already exists`,
    `${name}: CreatePhone of a number that exists answers the documented text`,
  );
  equal(await get(phone), '', `${name}: GetDnisAllocation of a number that is not lent is empty`);
  equal(await free(), notFound(phone), `${name}: FreeDnisAllocation of a number that is not lent says so`);
  equal(await allocate(uniqueId), phone, `${name}: AllocateDnis lends the group's number`);
  equal(await allocate(`${uniqueId} again`), NO_NUMBER, `${name}: AllocateDnis from an exhausted group says so`);
  equal(await get(phone), uniqueId, `${name}: GetDnisAllocation answers the unique id by full number`);
  equal(await get(dnId), uniqueId, `${name}: GetDnisAllocation answers the unique id by DNID`);
  equal(await free(), 'Success', `${name}: FreeDnisAllocation answers Success`);
  equal(await get(phone), '', `${name}: after FreeDnisAllocation nothing is allocated`);
}

async function fault(client, what, headers, operation, payload) {
  try {
    const answer = await call(client, headers, operation, payload);
    check(false, `${what} is the authentication fault`, `answered ${JSON.stringify(answer)}`);
  } catch (error) {
    const found = error.root && error.root.Envelope && error.root.Envelope.Body.Fault;
    if (!found) throw error;
    equal(
      [found.faultcode, found.faultstring, error.response.status],
      [FAULT_CODE, FAULT_TEXT, 500],
      `${what} is the authentication fault`,
    );
  }
}

async function refusals(client, name) {
  equal(
    await call(client, IVR, 'GetDnisAllocation', { phone: '999000' }),
    notFound('999000'),
    `${name}: GetDnisAllocation of an unknown number says so`,
  );
  equal(
    await call(client, ADMINISTRATOR, 'FreeDnisAllocation', { phone: '999000' }),
    notFound('999000'),
    `${name}: FreeDnisAllocation of an unknown number says so`,
  );
  const wrongKey = { ...IVR, 'Application-Key': 'wrong' };
  await fault(client, `${name}: a wrong application key`, wrongKey, 'GetDnisAllocation', { phone: '111' });
  await fault(client, `${name}: no credentials`, {}, 'AllocateDnis', { uniqueId: '1', group: 'test' });
  await fault(client, `${name}: FreeDnisAllocation without a user`, IVR, 'FreeDnisAllocation', { phone: '222' });
}

const OWN_OPERATIONS = ['CreateCalledRoute', 'MatchInteraction', 'RequestAccess', 'ResolveCall'];

/** The gateway's own service: a number lent with user data, resolved, matched; a route; faults with a reason. */
async function ownService(client, phone) {
  const own = async (operation, payload) => (await client[`${operation}Async`](payload, {}, ADMINISTRATOR))[0];

  const entry = [
    { key: 'first name', value: 'Ann <1> & 2' },
    { key: 'language', value: 'fr' },
  ];
  const lent = await own('RequestAccess', { group: 'node agent', seconds: 60, codeLength: 4, caller: '5551', entry });
  equal([lent.number, lent.code.length], [phone, 4], 'own: RequestAccess lends a number with a code');
  const seen = await own('ResolveCall', { dialled: phone, caller: '5551', code: lent.code });
  const [candidate] = seen.candidate;
  equal(
    [candidate.interaction, candidate.reason, candidate.confidence, seen.taken],
    [lent.interaction, 'number-code-and-caller', 'high', false],
    'own: ResolveCall tells whose call it is',
  );
  equal(candidate.entry, entry, 'own: and what they said');
  const route = { accessCode: '5550100', extension: '32', kind: 'skill', id: 7 };
  const made = (await own('CreateCalledRoute', route)).destination;
  equal([made.accessCode, made.mediaType, made.id], ['5550100', 5, 7], 'own: CreateCalledRoute');
  const routed = await own('ResolveCall', { dialled: '555010032' });
  equal(routed.destination.route, made.route, 'own: ResolveCall tells where a call goes');
  const matched = await own('MatchInteraction', { number: phone, code: lent.code });
  equal(matched.match[0].interaction, lent.interaction, 'own: MatchInteraction recognises the call');
  try {
    const answer = await own('MatchInteraction', { number: phone, code: lent.code });
    check(false, 'own: a second match is a fault', `answered ${JSON.stringify(answer)}`);
  } catch (error) {
    const found = error.root && error.root.Envelope && error.root.Envelope.Body.Fault;
    if (!found) throw error;
    equal(
      [found.faultcode, found.detail.problem.reason],
      ['SOAP-ENV:Client', 'no_match'],
      'own: a second match is a fault that names its reason',
    );
  }
}

async function main(base) {
  for (const [name, phone] of [
    ['agent', '2119900003'],
    ['dnis', '2119900004'],
  ]) {
    try {
      const client = await soap.createClientAsync(`${base}/interact/version/2/${name}/soap/${name}.wsdl`);
      equal(operationsOf(client), OPERATIONS, `${name}: the WSDL describes the four operations`);
      await lending(client, name, phone);
      await refusals(client, name);
    } catch (error) {
      check(false, `${name}: node soap talks to the gateway`, error.stack || String(error));
    }
  }
  try {
    const client = await soap.createClientAsync(`${base}/gateway/v1/soap/gateway.wsdl`);
    equal(operationsOf(client), OWN_OPERATIONS, 'own: the WSDL describes its operations');
    await ownService(client, '2119900003');
  } catch (error) {
    check(false, 'own: node soap talks to the gateway', error.stack || String(error));
  }
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
}

main(process.env.BASE);
