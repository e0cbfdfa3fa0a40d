// What the page shows of a result.

const BYTES = (sizes) =>
  `${sizes.map((size) => size.toLocaleString("en")).join(" + ")} bytes`;

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export function showPicture(canvas, image) {
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The three largest, with bars. */
export function showLabels(list, labels, probabilities) {
  const order = [...probabilities.keys()];
  order.sort((a, b) => probabilities[b] - probabilities[a]);
  list.replaceChildren(
    ...order.slice(0, 3).map((number) => {
      const percent = 100 * probabilities[number];
      const item = make("li", "label");
      const bar = make("span", "bar");
      bar.style.setProperty("--share", `${percent}%`);
      item.append(make("b", "", labels[number]), bar);
      item.append(make("span", "share", `${percent.toFixed(1)} %`));
      return item;
    }),
  );
}

/** A row for each step: the tensor of the chain, and those of its twin. */
export function showSteps(list, steps, results) {
  list.replaceChildren(
    ...steps.map((step) => {
      const row = make("li", "step");
      const name = make("span", "name", step.name);
      const canvas = draw(results[step.tensor].data, step);
      row.append(name, held("chain", step.chain, [canvas]));
      const boxes = step.twin.map((size, number) => {
        const box = make("span", number ? "tensor waits" : "tensor");
        box.style.width = `${canvas.width}px`;
        box.style.height = `${(canvas.height * size) / step.chain[0]}px`;
        box.title = number ? "waits for the addition" : "goes on";
        return box;
      });
      row.append(held("twin", step.twin, boxes));
      name.append(make("small", "", step.shape.join("x")));
      return row;
    }),
  );
}

function held(who, sizes, pictures) {
  const cell = make("span", `held ${who}`);
  const caption = make("small", "", `${who}: ${BYTES(sizes)}`);
  const tensors = make("span", "tensors");
  tensors.append(...pictures);
  cell.append(tensors, caption);
  return cell;
}

/** A tile for each channel, a dot for each number. */
function draw(values, { shape, channels_first: first, name }) {
  const [height, width, channels] = shape;
  const columns = countColumns(channels);
  const canvas = make("canvas", "tensor");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `the tensor after ${name}`);
  canvas.width = columns * width;
  canvas.height = Math.ceil(channels / columns) * height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const largest = values.reduce((a, b) => Math.max(a, b), 1e-9);
  for (let channel = 0; channel < channels; channel++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const value = first
          ? values[(channel * height + y) * width + x]
          : values[(y * width + x) * channels + channel];
        const row = Math.floor(channel / columns) * height + y;
        const column = (channel % columns) * width + x;
        const grey = 255 * Math.sqrt(value / largest);
        const dot = 4 * (row * canvas.width + column);
        image.data.set([grey, grey, 40 + 0.84 * grey, 255], dot);
      }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** As many tiles in a row as leave the fewest places empty. */
function countColumns(channels) {
  const least = Math.ceil(Math.sqrt(channels));
  let best = least;
  const empty = (columns) => Math.ceil(channels / columns) * columns;
  for (let columns = least; columns <= 1.5 * least; columns++)
    if (empty(columns) < empty(best)) best = columns;
  return best;
}
