// The page that runs the bundled network, in a headless Chromium.
//
//   node tools/browser_check.mjs SITE EXPECTED NPM [PICTURES]
//
// SITE is build/site, EXPECTED what Keras says of the sample pictures, NPM the
// folder with playwright-core, PICTURES a folder for screenshots. `make browser`
// calls it. Exit status 0 if all is well, 77 without a browser.
import assert from "node:assert/strict";
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize, resolve } from "node:path";
import { crc32, deflateSync } from "node:zlib";

const [site, expectedFile, npm, pictures] = process.argv.slice(2);
const { chromium } = createRequire(resolve(npm, "x.js"))("playwright-core");
const executablePath = (process.env.CHROMIUM ?? process.env.PATH.split(":")
  .flatMap((folder) =>
    ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)),
  )
  .find(existsSync));
if (!executablePath) {
  console.log("not tried in a browser: no Chromium is installed");
  process.exit(77);
}
const expected = JSON.parse(readFileSync(expectedFile, "utf8"));
const numbers = JSON.parse(readFileSync(join(site, "browser/page.json"), "utf8"));

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript",
  ".css": "text/css", ".json": "application/json", ".wasm": "application/wasm" };
const server = createServer((request, response) => {
  const path = join(site, normalize(decodeURI(request.url.split("?")[0])));
  if (!existsSync(path) || !statSync(path).isFile()) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" });
  createReadStream(path).pipe(response);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}`;

/** Open the page in a browser of its own and do something with it. */
async function open(what, { width = 1280, args = [], before, errors = [] }, use) {
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", ...args],
  });
  try {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    page.setDefaultTimeout(60000);
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
    page.on("request", (request) => {
      const local = [origin, "blob:", "data:"].some((begin) => request.url().startsWith(begin));
      if (!local) faults.push(`asked another host: ${request.url()}`);
    });
    await before?.(page);
    await page.goto(`${origin}/browser.html`);
    await use(page);
    const surplus = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(surplus, 0, `${what}: ${surplus} pixels wider than the screen`);
    const unexpected = faults.filter((fault) => !errors.some((known) => fault.includes(known)));
    assert.deepEqual(unexpected, [], what);
    if (pictures) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${what}.png`), fullPage: true });
    }
    console.log(`${what}: as it should be`);
  } finally {
    await browser.close();
  }
}

async function said(page, text) {
  const status = page.locator("#browser-status");
  try {
    await status.filter({ hasText: text }).waitFor();
  } catch {
    throw new Error(`not said: "${text}", but: "${await status.textContent()}"`);
  }
}
const loaded = (page) => said(page, `${numbers.network} is loaded`);
const give = (page, name, buffer, mimeType = "image/png") =>
  page.setInputFiles("#browser-file", { name, mimeType, buffer });

/** A PNG file: grey of one bit, white below the diagonal of bytes. */
function png(width, height) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const row = 1 + Math.ceil(width / 8);
  const raw = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++)
    raw.fill(255, y * row + 1, y * row + 1 + Math.floor((y / height) * (row - 1)));
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header),
    chunk("IDAT", deflateSync(raw, { level: 1 })), chunk("IEND", Buffer.alloc(0))]);
}

/** Choose a sample and look at all that is shown of it. */
async function classify(page, number) {
  await page.locator("#browser-samples button").nth(number).click();
  await said(page, `${numbers.samples[number].file.split("/").pop()}: classified`);
  const shown = await page.locator("#browser-labels li").allTextContents();
  assert.equal(shown.length, 3);
  const order = [...expected[number].keys()].sort(
    (a, b) => expected[number][b] - expected[number][a],
  );
  const percent = parseFloat(shown[0].match(/([\d.]+) %/)[1]);
  assert.ok(shown[0].startsWith(numbers.labels[order[0]]), `${number}: ${shown[0]}`);
  // Decoders of JPEG files differ by a level of grey.
  assert.ok(Math.abs(percent - 100 * expected[number][order[0]]) < 3, `${number}: ${shown[0]}`);
}

async function steps(page) {
  const rows = page.locator("#browser-steps > li");
  assert.equal(await rows.count(), numbers.steps.length);
  for (const [number, step] of numbers.steps.entries()) {
    const text = await rows.nth(number).textContent();
    const bytes = (sizes) => sizes.map((size) => size.toLocaleString("en")).join(" + ");
    assert.ok(text.includes(`chain: ${bytes(step.chain)} bytes`), text);
    assert.ok(text.includes(`twin: ${bytes(step.twin)} bytes`), text);
    const levels = await rows.nth(number).locator("canvas").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return new Set(data).size;
    });
    assert.ok(levels > 10, `${step.name} is drawn with ${levels} levels`);
  }
}

await open("wide", {}, async (page) => {
  await loaded(page);
  for (const number of numbers.samples.keys()) await classify(page, number);
  await steps(page);
});

await open("narrow", { width: 360 }, async (page) => {
  await loaded(page);
  await classify(page, 0);
  await steps(page);
});

await open("dark", { before: (page) => page.emulateMedia({ colorScheme: "dark" }) },
  async (page) => {
    await loaded(page);
    await classify(page, 24);
  });

await open("no picture", {}, async (page) => {
  await loaded(page);
  await give(page, "letter.png", Buffer.from("Dear Madam,"));
  await said(page, "letter.png: no picture that this browser can read");
  await give(page, "empty.jpg", Buffer.alloc(0), "image/jpeg");
  await said(page, "empty.jpg: no picture");
  await give(page, "cut.png", png(64, 64).subarray(0, 40));
  await said(page, "cut.png: no");
  await classify(page, 3); // goes on afterwards
});

await open("huge", { width: 360 }, async (page) => {
  await loaded(page);
  await give(page, "large.png", png(12000, 9000));
  await said(page, "large.png: classified");
  await give(page, "larger.png", png(20000, 15000));
  await said(page, "larger.png: 20000x15000 pixels are more than this page takes");
  // Chromium itself does not open this one.
  await give(page, "largest.png", png(40000, 30000));
  await said(page, "largest.png: ");
  await give(page, "thin.png", png(3, 5000));
  await said(page, "thin.png: classified");
});

await open("dropped", {}, async (page) => {
  await loaded(page);
  const data = png(40, 30).toString("base64");
  const drop = (content) =>
    page.evaluate(async (content) => {
      const dataTransfer = new DataTransfer();
      if (content) {
        const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], "<b>dropped.png", { type: "image/png" }));
      } else dataTransfer.setData("text/plain", "a text");
      const target = document.getElementById("browser-drop");
      for (const name of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(
          new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }),
        );
    }, content);
  await drop(data);
  await said(page, "<b>dropped.png: classified");
  await drop("");
  await said(page, "What was dropped is no file");
});

await open("no WebAssembly", { args: ["--js-flags=--jitless"] }, async (page) => {
  await said(page, "does not run WebAssembly");
  assert.ok(await page.locator("#browser-tool").isHidden());
});

// Without these instructions of the processor Chromium compiles no SIMD.
const withoutSimd = { args: ["--js-flags=--no-enable-sse4-1"] };
if (process.arch === "x64")
  await open("no SIMD", withoutSimd, async (page) => {
    await said(page, "no vector instructions (SIMD)");
    assert.ok(await page.locator("#browser-tool").isHidden());
  });

await open("no network in the site", {
  before: (page) => page.route("**/page.json", (route) => route.fulfill({ status: 404 })),
  errors: ["404"],
}, (page) => said(page, "built without the network"));

await open("a damaged network", {
  before: (page) => page.route("**/network.onnx", (route) => route.fulfill({ body: "x" })),
  errors: ["onnx"],
}, (page) => said(page, "The network could not be loaded"));

server.close();
