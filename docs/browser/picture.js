// From a file to what the network takes.

const MOST_PIXELS = 200e6;

/** The centred square of a picture: pixels, and floats from 0 to 255, RGB. */
export async function readPixels(file, side) {
  const address = URL.createObjectURL(file);
  try {
    const picture = await load(address);
    const { naturalWidth: width, naturalHeight: height } = picture;
    if (!width || !height) throw new Error("a picture without a size.");
    if (width * height > MOST_PIXELS)
      throw new Error(
        `${width}x${height} pixels are more than this page takes ` +
          `(${MOST_PIXELS / 1e6} million). Shrink the picture first.`,
      );
    return shrink(picture, side);
  } finally {
    URL.revokeObjectURL(address);
  }
}

function load(address) {
  return new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => resolve(picture);
    picture.onerror = () =>
      reject(new Error("no picture that this browser can read."));
    picture.src = address;
  });
}

function shrink(picture, side) {
  const { naturalWidth: width, naturalHeight: height } = picture;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  const cut = Math.min(width, height);
  const [left, top] = [(width - cut) / 2, (height - cut) / 2];
  context.drawImage(picture, left, top, cut, cut, 0, 0, side, side);
  const image = context.getImageData(0, 0, side, side);
  const floats = new Float32Array(side * side * 3);
  let opaque = 0;
  for (let pixel = 0; pixel < side * side; pixel++) {
    const alpha = image.data[4 * pixel + 3] / 255;
    opaque += alpha;
    for (let colour = 0; colour < 3; colour++) {
      const place = 4 * pixel + colour;
      // What is transparent becomes white.
      const value = alpha * image.data[place] + (1 - alpha) * 255;
      floats[3 * pixel + colour] = image.data[place] = Math.round(value);
    }
    image.data[4 * pixel + 3] = 255;
  }
  if (!opaque)
    throw new Error("nothing is seen in it: empty, or too large to decode.");
  return { image, floats };
}
