// Drives the console of a running demo gateway with a real browser: Debian's Chromium by playwright-core, and axe-core for
// what people without a mouse, without good eyes, or in the dark meet.
// Usage: with BASE and ADMIN set to the gateway's addresses, `node console.js [FOLDER]`; NODE_PATH names the folder of the
// modules, and pictures of the pages are put into FOLDER. Prints one line per check, exits 1 when one failed.
'use strict';

const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');

const { BASE, ADMIN } = process.env;
const FOLDER = process.argv[2];
const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => fs.existsSync(file));
const PATIENCE = 20000;
const BASIC = `Basic ${Buffer.from('admin:password').toString('base64')}`;

let passed = 0;
let failed = 0;

function check(holds, what, whyNot = '') {
  if (holds) passed += 1;
  else failed += 1;
  console.log(holds ? `ok - ${what}` : `not ok - ${what}: ${whyNot}`);
}

/** A part whose unexpected error is a failed check and does not stop the parts after it. */
async function part(what, steps) {
  try {
    await steps();
  } catch (error) {
    check(false, what, String(error).split('\n').slice(0, 6).join(' '));
  }
}

/** Lends a number over GMS: its number, code and interaction. */
async function lend(group, caller, more = {}) {
  const body = new URLSearchParams({ _resource_group: group, _phone_number: caller, ...more });
  const headers = { Accept: 'application/json' };
  const answer = await fetch(`${BASE}/genesys/1/service/request-interaction`, { method: 'POST', body, headers });
  if (!answer.ok) throw new Error(`lending answered ${answer.status}: ${await answer.text()}`);
  const { _access_number: number, _access_code: code, _id: id } = await answer.json();
  return { number, code, id };
}

async function match(number, code) {
  const body = new URLSearchParams({ _access_number: number, ...(code ? { _access_code: code } : {}) });
  return fetch(`${BASE}/genesys/1/service/match-interaction`, { method: 'POST', body });
}

async function native(method, target, body) {
  const headers = { Authorization: BASIC, 'Content-Type': 'application/json' };
  return fetch(`${BASE}/gateway/v1${target}`, { method, headers, body: body && JSON.stringify(body) });
}

/** What axe-core finds that keeps people from using the page. */
async function faults(page, what) {
  // The page's own policy lets nothing in from outside; the browser's debugger may.
  const found = await page.evaluate(`${AXE}; axe.run(document, { resultTypes: ['violations'] })`);
  const serious = found.violations.filter((it) => ['serious', 'critical'].includes(it.impact));
  const told = serious.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(' ')).slice(0, 3).join(', ')}`);
  check(found.passes.length > 5, `axe-core has looked: ${what}`, `${found.passes.length} rules`);
  check(serious.length === 0, `axe-core finds no serious fault: ${what}`, told.join('; '));
}

async function picture(page, name) {
  if (FOLDER) await page.screenshot({ path: path.join(FOLDER, `${name}.png`) });
}

async function signIn(page) {
  await page.goto(`${ADMIN}/console`);
  await page.fill('#user', 'admin');
  await page.fill('#password', 'password');
  await page.click('button:has-text("Sign in")');
  await page.waitForSelector('h1:has-text("Pools")');
}

/** An operator's morning: sign in, see a lend appear, find it, free it, see it gone. */
async function operating(page) {
  await part('signing in', async () => {
    await page.goto(`${ADMIN}/console`);
    check(await page.locator('text=This is the demo').isVisible(), 'the sign-in says how to get into the demo');
    await picture(page, 'sign-in');
    await page.fill('#user', 'admin');
    await page.fill('#password', 'wrong');
    await page.click('button:has-text("Sign in")');
    check((await page.locator('[role=alert]').innerText()).includes('wrong'), 'a wrong password is told');
    await signIn(page);
    check(true, 'the right password shows the pools');
  });
  await part('a lend appears and goes without loading the page again', async () => {
    const row = page.locator('tr', { hasText: 'DNIS' });
    const before = await row.locator('td.count').nth(1).innerText();
    const lent = await lend('DNIS', '15550123', { _provide_code: 'true', _booking_expiration_timeout: '900', note: 'call <b>back</b>' });
    await row.locator('td.count').nth(1).filter({ hasText: String(Number(before) + 1) }).waitFor({ timeout: PATIENCE });
    check(true, 'a lend appears in the pools by itself');
    await page.fill('#q-top', '15550123');
    await page.press('#q-top', 'Enter');
    const call = page.locator('article.call', { hasText: lent.id });
    await call.waitFor({ timeout: PATIENCE });
    check((await call.innerText()).includes(lent.number), 'the lend is found by its caller');
    check(!(await page.content()).includes(lent.code), 'its code is not shown');
    await picture(page, 'find');
    await call.locator('button:has-text("Show data")').click();
    const shown = page.locator('article.call', { hasText: lent.id });
    await shown.locator('table.data').waitFor({ timeout: PATIENCE });
    const text = await shown.innerText();
    check(text.includes('call <b>back</b>') && text.includes(lent.code), 'data and code are shown when asked for, as text');
    await page.goto(`${ADMIN}/console/find?q=15550123`);
    await page.locator('article.call', { hasText: lent.id }).locator('button:has-text("Free")').dblclick();
    await page.locator('.notice.done').waitFor({ timeout: PATIENCE });
    check((await page.locator('.notice.done').innerText()).includes('no longer lent'), 'a double click frees once and says so');
    await page.goto(`${ADMIN}/console/group?name=DNIS&state=lent`);
    check(!(await page.locator('#numbers').innerText()).includes(lent.number), 'the number is lent no more');
  });
  await part('a group runs empty', async () => {
    for (let number = 0; number < 3; number += 1) await lend('samples', `1555020${number}`, { _booking_expiration_timeout: '1200' });
    await page.goto(`${ADMIN}/console`);
    await page.locator('.banner', { hasText: 'samples' }).waitFor({ timeout: PATIENCE });
    const banner = await page.locator('.banner').innerText();
    check(/Of 3 numbers none is free: 3 lent; the next comes back in \d+ min/.test(banner), 'an exhausted group is told with the reason', banner);
    for (let number = 0; number < 8; number += 1) await lend('DNIS', `1555030${number}`, { _booking_expiration_timeout: '1500' });
    await lend('test', '15550400', { _booking_expiration_timeout: '600' });
    await page.waitForTimeout(2500);
    await picture(page, 'pools');
    await page.goto(`${ADMIN}/console/group?name=DNIS`);
    await picture(page, 'group');
  });
}

/** Calls that were not recognised, and why. */
async function explaining(page) {
  const ask = async (fields) => {
    await page.goto(`${ADMIN}/console/explain`);
    for (const [name, value] of Object.entries(fields)) await page.fill(`#${name}`, value);
    await page.click('form.explain button');
    await page.waitForSelector('.answer .sentence', { timeout: PATIENCE });
    return page.locator('.answer .sentence').innerText();
  };
  await part('a wrong code is explained', async () => {
    const lent = await lend('test', '15550500', { _provide_code: 'true' });
    const sentence = await ask({ dialled: lent.number, code: '0' });
    check(sentence.includes('the caller gave another code'), 'a wrong code is explained', sentence);
    check(!page.url().includes('code'), 'and is in no address');
  });
  await part('a number that was never lent is explained', async () => {
    const sentence = await ask({ dialled: '380974520209' });
    check(sentence.includes('was never lent before'), 'a number that was never lent is explained', sentence);
  });
  await part('a late call is explained', async () => {
    const lent = await lend('test', '15550600', { _booking_expiration_timeout: '5' });
    await page.waitForTimeout(7000);
    check((await match(lent.number)).status >= 400, 'the late call is not recognised');
    const sentence = await ask({ dialled: lent.number, caller: '15550600' });
    check(/\d+ s late/.test(sentence), 'a late call is explained', sentence);
    await picture(page, 'explain');
  });
  await part('a form that is filled in wrong says so at the field', async () => {
    await page.goto(`${ADMIN}/console/explain?dialled=abc`);
    check((await page.locator('#dialled-why').innerText()).includes('must have'), 'what is wrong is told at the field');
    check((await page.getAttribute('#dialled', 'aria-describedby')).includes('dialled-why'), 'and to a screen reader');
  });
}

/** The same with the keyboard alone. */
async function keyboard(browser) {
  await part('the keyboard alone', async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${ADMIN}/console`);
    await page.keyboard.type('admin');
    await page.keyboard.press('Tab');
    await page.keyboard.type('password');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("Pools")');
    await page.keyboard.press('Tab');
    const focused = () => page.evaluate(() => document.activeElement.textContent || document.activeElement.id);
    check((await focused()) === 'Skip to content', 'the first stop of the keyboard skips to the content', await focused());
    const lent = await lend('test', '15550700');
    await page.goto(`${ADMIN}/console/group?name=test&state=lent&text=${lent.number}`);
    const reached = async (name) => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate(() => document.activeElement.getAttribute('aria-label'))) === name) return true;
      }
      return false;
    };
    check(await reached(`Free ${lent.number}`), 'the keyboard reaches what frees a number');
    await page.waitForTimeout(4500);
    const kept = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    check(kept === `Free ${lent.number}`, 'the focus stays while the page follows what changes', kept);
    await page.keyboard.press('Enter');
    await page.locator('.notice.done').waitFor({ timeout: PATIENCE });
    check(true, 'and frees it');
    await page.context().close();
  });
}

/** Without the script, on a phone, in the light and in the dark. */
async function everywhere(browser) {
  await part('without the script', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await signIn(page);
    const lent = await lend('test', '15550800');
    await page.goto(`${ADMIN}/console/find?q=15550800`);
    await page.locator('article.call', { hasText: lent.id }).locator('button:has-text("Free")').click();
    await page.locator('.notice.done').waitFor({ timeout: PATIENCE });
    check(true, 'everything but what is live works without the script');
    await context.close();
  });
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of [['desk', { width: 1280, height: 860 }], ['phone', { width: 390, height: 800 }]]) {
      await part(`pages in the ${colorScheme} at a ${device}`, async () => {
        const context = await browser.newContext({ colorScheme, viewport });
        const page = await context.newPage();
        const complaints = [];
        page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
        page.on('pageerror', (error) => complaints.push(String(error)));
        await page.goto(`${ADMIN}/console`);
        await faults(page, `sign-in, ${colorScheme}, ${device}`);
        await signIn(page);
        const targets = { pools: '', group: '/group?name=DNIS', find: '/find?q=DNIS', call: '/find?q=6504664131', explain: '/explain?dialled=6504664131&caller=1' };
        for (const [name, target] of Object.entries(targets)) {
          await page.goto(`${ADMIN}/console${target}`);
          await faults(page, `${name}, ${colorScheme}, ${device}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          check(wide <= 0, `${name} fits into a ${device}, ${colorScheme}`, `${wide} pixels too wide`);
          await picture(page, `${name}-${colorScheme}-${device}`);
        }
        check(complaints.length === 0, `the browser complains of nothing, ${colorScheme}, ${device}`, complaints.join('; '));
        await context.close();
      });
    }
  }
}

(async () => {
  if (!BROWSER) {
    check(false, 'Chromium is installed', 'there is no /usr/bin/chromium');
    process.exit(1);
  }
  // As root in a container Chromium cannot make its own sandbox; the pages are our own.
  const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await operating(page);
  await explaining(page);
  await keyboard(browser);
  await everywhere(browser);
  await browser.close();
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
})();
