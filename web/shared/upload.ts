/** One file to the server by tus 1.0: resumes where the server stopped, and is done only with the server's receipt. */
import { Upload, type DetailedError, type HttpResponse } from 'tus-js-client';
import { ApiError, headers } from './api';

export interface Sending {
  /** Where a new upload is made, such as /api/v1/uploads. */
  endpoint: string;
  file: Blob;
  metadata: Record<string, string>;
  /** The address of an upload that was begun before; one the server has forgotten is made anew. */
  url: string | null;
  /** Called as soon as the upload has an address: keep it, a dead battery resumes there. */
  onUrl: (url: string) => void;
  onProgress: (sentBytes: number) => void;
}

export interface Sent {
  photoId: string;
}
export interface Handle {
  done: Promise<Sent>;
  pause: () => void;
}

/** Thrown by `done` when somebody paused the upload; what arrived is kept by the server. */
export class Paused extends Error {}

const CHUNK_BYTES = 1024 * 1024;
const RETRY_MS = [500, 2000, 5000];

function problem(response: HttpResponse): ApiError {
  const status = response.getStatus();
  try {
    const said = JSON.parse(response.getBody()) as Partial<{ code: string; detail: string; facts: Record<string, unknown> }>;
    return new ApiError(said.code ?? `http_${status}`, status, said.detail ?? '', said.facts ?? {});
  } catch {
    return new ApiError(`http_${status}`, status, ''); // a proxy's own page, not ours
  }
}

function asProblem(error: Error | DetailedError): ApiError {
  const response = 'originalResponse' in error ? error.originalResponse : null;
  if (!response || response.getStatus() === 0) return new ApiError('offline', 0, '');
  // A 2xx that the protocol cannot use comes from somebody else on the way.
  return response.getStatus() < 400 ? new ApiError('not_ours', 0, '') : problem(response);
}

const worthRetrying = (status: number): boolean =>
  status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;

/** Starts (or resumes) an upload. */
export function send(what: Sending): Handle {
  let stop = (): void => undefined;
  const done = new Promise<Sent>((resolve, reject) => {
    const upload = new Upload(what.file, {
      endpoint: what.endpoint,
      uploadUrl: what.url,
      metadata: what.metadata,
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_MS,
      storeFingerprintForResuming: false,
      onBeforeRequest: (request) => {
        for (const [name, value] of Object.entries(headers(request.getMethod()))) request.setHeader(name, value);
      },
      onUploadUrlAvailable: () => upload.url && what.onUrl(upload.url),
      onProgress: (sent) => what.onProgress(sent),
      onShouldRetry: (error) => worthRetrying(error.originalResponse?.getStatus() ?? 0),
      onError: (error) => reject(asProblem(error)),
      onSuccess: ({ lastResponse }) => {
        const photoId = lastResponse.getHeader('Photo-Id');
        if (photoId) resolve({ photoId });
        else reject(new ApiError('no_receipt', 0, ''));
      },
    });
    stop = () => {
      void upload.abort();
      reject(new Paused('paused'));
    };
    upload.start();
  });
  return { done, pause: () => stop() };
}
