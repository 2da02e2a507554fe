/** A first look at a photograph on the phone: too blurred, too dark? A hint for the person, never a refusal. */

export interface Look { hints: ('blurred' | 'dark')[]; thumb: Blob | null }

const THUMB = 320;
/** The Laplacian is measured on a picture of this width, so that one threshold fits every camera. */
const MEASURED = 512;
const LARGE_BYTES = 600_000;
const DECODED = 1024;
const BLURRED_BELOW = 60;
const DARK_BELOW = 48;

async function draw(source: ImageBitmap, longest: number): Promise<{ canvas: OffscreenCanvas | HTMLCanvasElement; pixels: ImageData } | null> {
  const scale = Math.min(1, longest / Math.max(source.width, source.height));
  const [width, height] = [Math.max(1, Math.round(source.width * scale)), Math.max(1, Math.round(source.height * scale))];
  const canvas = typeof OffscreenCanvas === 'undefined' ? Object.assign(document.createElement('canvas'), { width, height }) : new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (!context) return null;
  context.drawImage(source, 0, 0, width, height);
  return { canvas, pixels: context.getImageData(0, 0, width, height) };
}

const toJpeg = (canvas: OffscreenCanvas | HTMLCanvasElement): Promise<Blob | null> =>
  'convertToBlob' in canvas ? canvas.convertToBlob({ type: 'image/jpeg', quality: 0.72 }) : new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.72));

/** Mean brightness and the variance of the Laplacian of a picture, 0…255 grey. */
export function measure({ data, width, height }: Pick<ImageData, 'data' | 'width' | 'height'>): { brightness: number; sharpness: number } {
  const grey = new Float32Array(width * height);
  let sum = 0;
  for (let i = 0, p = 0; i < grey.length; i += 1, p += 4) {
    const value = 0.299 * (data[p] ?? 0) + 0.587 * (data[p + 1] ?? 0) + 0.114 * (data[p + 2] ?? 0);
    grey[i] = value;
    sum += value;
  }
  let [total, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const i = y * width + x;
      const bend = (grey[i - 1] ?? 0) + (grey[i + 1] ?? 0) + (grey[i - width] ?? 0) + (grey[i + width] ?? 0) - 4 * (grey[i] ?? 0);
      total += bend;
      squares += bend * bend;
      count += 1;
    }
  }
  const mean = count ? total / count : 0;
  return { brightness: grey.length ? sum / grey.length : 0, sharpness: count ? squares / count - mean * mean : 0 };
}

/** Makes the thumbnail and measures; a file the browser cannot draw gets neither and is still evidence. */
export async function look(file: Blob): Promise<Look> {
  let picture: ImageBitmap;
  try {
    // Decoded small: forty-eight megapixels at full size are too much for a cheap phone.
    picture = await createImageBitmap(file, { imageOrientation: 'from-image', ...(file.size > LARGE_BYTES ? { resizeWidth: DECODED, resizeQuality: 'medium' as const } : {}) });
  } catch {
    return { hints: [], thumb: null };
  }
  try {
    const measured = await draw(picture, MEASURED);
    const small = await draw(picture, THUMB);
    const { brightness, sharpness } = measured ? measure(measured.pixels) : { brightness: 255, sharpness: Infinity };
    const hints: Look['hints'] = [];
    if (brightness < DARK_BELOW) hints.push('dark');
    // A dark picture has no edges to measure: one hint is enough.
    else if (sharpness < BLURRED_BELOW) hints.push('blurred');
    return { hints, thumb: small ? await toJpeg(small.canvas) : null };
  } finally {
    picture.close();
  }
}
