/** SHA-256 of a file, in hex: taken at the shutter and again by the server. */

export async function sha256(file: Blob | ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file instanceof Blob ? await file.arrayBuffer() : file));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
