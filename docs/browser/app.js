// The page that runs the bundled network: see ../browser.md.
import { showLabels, showPicture, showSteps } from "./drawing.js";
import { readPixels } from "./picture.js";

const VENDOR = new URL("vendor/", import.meta.url).href;
const SIDE = 32;
// A module with one vector instruction: valid where SIMD is known.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1,
  8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

const find = (name) => document.getElementById(`browser-${name}`);
const say = (text) => (find("status").textContent = text);

let runs = 0; // only the last picture is shown

start().catch((error) => say(`The network could not be loaded: ${error.message}`));

async function start() {
  const missing = whatIsMissing();
  if (missing) return say(missing);
  const answer = await fetch(new URL("page.json", import.meta.url));
  if (!answer.ok)
    return say(
      "This site was built without the network, on a machine without npm: " +
        "`make docs` where npm is installed brings it.",
    );
  const page = await answer.json();
  const runtime = await import(`${VENDOR}ort.wasm.min.mjs`);
  runtime.env.wasm.wasmPaths = VENDOR;
  runtime.env.wasm.numThreads = 1; // more need headers of the server
  const file = new URL(page.file, import.meta.url).href;
  const session = await runtime.InferenceSession.create(file);
  const classify = (file) => run(file, page, session, runtime);
  addSamples(page.samples, classify);
  listen(classify);
  const { value, data } = page.accuracy;
  say(
    `${page.network} is loaded, ${page.bytes.toLocaleString("en")} bytes, in ` +
      `${page.runtime}. Test accuracy: ${value.toFixed(2)} % of ${data}.`,
  );
  find("tool").hidden = false;
}

function whatIsMissing() {
  if (typeof WebAssembly !== "object")
    return (
      "This browser does not run WebAssembly, which the network needs: it is " +
      "switched off, or the browser is older than 2017."
    );
  if (!WebAssembly.validate(SIMD))
    return (
      "This browser's WebAssembly has no vector instructions (SIMD), which " +
      "the runtime needs: take a browser from 2021 or later."
    );
  return "";
}

function addSamples(samples, classify) {
  for (const { file, label } of samples) {
    const button = document.createElement("button");
    const picture = document.createElement("img");
    picture.src = new URL(file, import.meta.url).href;
    picture.alt = label;
    button.title = label;
    button.append(picture);
    button.addEventListener("click", async () => {
      const answer = await fetch(picture.src);
      classify(new File([await answer.blob()], file.split("/").pop()));
    });
    find("samples").append(button);
  }
}

function listen(classify) {
  const drop = find("drop");
  find("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    event.target.value = ""; // the same file may come again
    if (file) classify(file);
  });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"])
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name.startsWith("drage") || name === "dragover");
      if (name !== "drop") return;
      const [file] = event.dataTransfer.files;
      if (file) classify(file);
      else say("What was dropped is no file. Save the picture first.");
    });
}

async function run(file, page, session, runtime) {
  const turn = ++runs;
  say(`Reading ${file.name}.`);
  let results, seen, seconds;
  try {
    seen = await readPixels(file, SIDE);
    const shape = [1, SIDE, SIDE, 3];
    const images = new runtime.Tensor("float32", seen.floats, shape);
    const begin = performance.now();
    results = await session.run({ [page.input]: images });
    seconds = performance.now() - begin;
  } catch (error) {
    if (turn === runs) say(`${file.name}: ${error.message}`);
    return;
  }
  if (turn !== runs) return;
  showPicture(find("seen"), seen.image);
  showLabels(find("labels"), page.labels, results[page.result].data);
  showSteps(find("steps"), page.steps, results);
  const { chain, twin } = page.peak;
  const held = ({ bytes, at }) => `${bytes.toLocaleString("en")} bytes, at ${at}`;
  find("peak").textContent =
    "The most that is held at once, the input and the output of a layer and what " +
    `waits, as the audit counts: chain ${held(chain)}; twin ${held(twin)}.`;
  say(`${file.name}: classified in ${seconds.toFixed(0)} ms, one thread.`);
}
