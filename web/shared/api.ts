/** The only fetch in the house. Throws ApiError on anything but 2xx; adds sign-in, CSRF, language and idempotency. */
import { lang } from './i18n';

export interface FieldError {
  path: string;
  message: string;
}

/** What the server (or the lack of one) said. `code` is permanent; `offline` and `timeout` are ours. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    readonly facts: Record<string, unknown> = {},
    readonly errors: FieldError[] = [],
    readonly retryAfterS: number | null = null,
  ) {
    super(detail || code);
    this.name = 'ApiError';
  }

  /** Nobody answered: the request may be repeated when the network is back. */
  get unreachable(): boolean {
    return this.status === 0;
  }

  /** Worth another try with the same key. */
  get passing(): boolean {
    return (
      this.status === 0 ||
      this.status === 429 ||
      this.status === 502 ||
      this.status === 503 ||
      this.status === 504 ||
      this.code === 'idempotency_busy'
    );
  }
}

export const BASE = '/api/v1';
let csrf = '';
let bearer = '';

export const setCsrf = (token: string): void => void (csrf = token);
/** Signs every request with a device token instead of the cookie. */
export const setBearer = (token: string): void => void (bearer = token);
export const bearerToken = (): string => bearer;

let signedOut: () => void = () => undefined;
/** Calls when the server no longer knows who is signed in by cookie. */
export const onSignedOut = (run: () => void): void => void (signedOut = run);

let sessionChanged: () => Promise<boolean> = () => Promise.resolve(false);
/** Calls when the cookie is of another session than this page's, as after a sign-in in another tab. True: this page may go on with it. */
export const onSessionChanged = (run: () => Promise<boolean>): void => void (sessionChanged = run);
const mayGoOn = (error: unknown): Promise<boolean> =>
  error instanceof ApiError && error.code === 'csrf' ? sessionChanged() : Promise.resolve(false);
export const newKey = (): string => crypto.randomUUID();

type Query = Record<string, string | number | boolean | null | undefined>;
export interface Ask {
  query?: Query;
  body?: unknown;
  /** Idempotency-Key; a POST without one gets a fresh key, '' sends none. Pass your own when the person may press twice or the page may reload. */
  key?: string;
  signal?: AbortSignal;
  timeoutS?: number;
  /** How often a passing failure is tried again: GET and keyed POST twice, everything else never. */
  tries?: number;
  /** If-Match: saves only while this version is still the newest. */
  match?: number;
}

export function withQuery(path: string, query?: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** The headers every request carries; tus and tile loaders use them too. */
export function headers(method: string): Record<string, string> {
  const given: Record<string, string> = { 'Accept-Language': lang.peek() };
  if (bearer) given.Authorization = `Bearer ${bearer}`;
  else if (csrf && method !== 'GET' && method !== 'HEAD') given['X-CSRF-Token'] = csrf;
  return given;
}

async function once(method: string, path: string, ask: Ask, key: string | undefined): Promise<Response> {
  const given = headers(method);
  given.Accept = 'application/json';
  if (ask.body !== undefined) given['Content-Type'] = 'application/json';
  if (key) given['Idempotency-Key'] = key;
  if (ask.match !== undefined) given['If-Match'] = String(ask.match);
  const limit = AbortSignal.timeout((ask.timeoutS ?? 20) * 1000);
  try {
    return await fetch(withQuery(BASE + path, ask.query), {
      method,
      headers: given,
      ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
      credentials: 'same-origin',
      signal: ask.signal ? AbortSignal.any([ask.signal, limit]) : limit,
    });
  } catch (error) {
    if (ask.signal?.aborted) throw error;
    throw new ApiError(limit.aborted ? 'timeout' : 'offline', 0, '');
  }
}

async function refusal(response: Response): Promise<ApiError> {
  if (response.status === 401 && !bearer) signedOut();
  const after = Number(response.headers.get('Retry-After'));
  const retryAfterS = Number.isFinite(after) && after > 0 ? after : null;
  try {
    const problem = (await response.json()) as Partial<{
      code: string;
      detail: string;
      title: string;
      facts: Record<string, unknown>;
      errors: FieldError[];
    }>;
    return new ApiError(
      problem.code ?? `http_${response.status}`,
      response.status,
      problem.detail ?? problem.title ?? '',
      problem.facts ?? {},
      problem.errors ?? [],
      retryAfterS,
    );
  } catch {
    return new ApiError(`http_${response.status}`, response.status, '', {}, [], retryAfterS); // a proxy's own page, not ours
  }
}

/** The JSON of an answer. A hotel's captive portal answers 200 with its own page: that is no receipt, the request must be sent again. */
async function ours(response: Response): Promise<unknown> {
  if (!/\bjson\b/.test(response.headers.get('Content-Type') ?? '')) throw new ApiError('not_ours', 0, '');
  try {
    return await response.json();
  } catch {
    throw new ApiError('not_ours', 0, ''); // cut off on the way, or not what it says it is
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function call<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
  const key = method === 'POST' ? (ask.key ?? newKey()) : undefined;
  const tries = ask.tries ?? (method === 'GET' || key ? 2 : 0);
  let renewed = false;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const response = await once(method, path, ask, key);
      if (!response.ok) throw await refusal(response);
      return response.status === 204 ? (undefined as T) : ((await ours(response)) as T);
    } catch (error) {
      const again = error instanceof ApiError && error.passing && error.status !== 429 && attempt < tries && !ask.signal?.aborted;
      if (!again && !renewed && (await mayGoOn(error))) {
        renewed = true; // the server did nothing of what was asked
        continue;
      }
      if (!again) throw error;
      const waitS = Math.min(error.retryAfterS ?? 0.3 * 2 ** attempt, 5);
      await pause(waitS * (700 + Math.random() * 600));
    }
  }
}

/** Bytes instead of JSON: a photograph or a map tile that an <img> cannot ask for, because a device signs by header. Null when there is nothing. */
async function bytes(path: string, signal?: AbortSignal): Promise<Blob | null> {
  const response = await once('GET', path, signal ? { signal } : {}, undefined);
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.blob();
}

/** A file instead of JSON: said once, for a large body is not repeated by itself. */
async function send<T>(path: string, body: Blob, type: string, renewed = false): Promise<T> {
  const given = { ...headers('POST'), Accept: 'application/json', 'Content-Type': type, 'Idempotency-Key': newKey() };
  try {
    const response = await fetch(BASE + path, {
      method: 'POST',
      headers: given,
      body,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(60_000),
    });
    if (!response.ok) throw await refusal(response);
    return (await ours(response)) as T;
  } catch (error) {
    if (!renewed && (await mayGoOn(error))) return send(path, body, type, true);
    throw error instanceof ApiError ? error : new ApiError('offline', 0, '');
  }
}

/** The bytes of an open line, as they come: for those who sign by header, which an EventSource cannot. Ends when `signal` says so. */
async function line(path: string, signal: AbortSignal, lastId: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const given = { ...headers('GET'), Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) };
  let response: Response;
  try {
    response = await fetch(BASE + path, { headers: given, credentials: 'same-origin', cache: 'no-store', signal });
  } catch {
    throw new ApiError('offline', 0, '');
  }
  if (!response.ok) throw await refusal(response);
  if (!/\bevent-stream\b/.test(response.headers.get('Content-Type') ?? '') || !response.body)
    throw new ApiError('not_ours', 0, '');
  return response.body.getReader();
}

export const api = {
  bytes,
  line,
  send: <T>(path: string, body: Blob, type: string) => send<T>(path, body, type),
  get: <T>(path: string, query?: Query, ask?: Omit<Ask, 'query' | 'body'>) =>
    call<T>('GET', path, { ...ask, ...(query ? { query } : {}) }),
  post: <T>(path: string, body: unknown = {}, ask?: Omit<Ask, 'body'>) => call<T>('POST', path, { ...ask, body }),
  put: <T>(path: string, body: unknown, ask?: Omit<Ask, 'body'>) => call<T>('PUT', path, { ...ask, body }),
  patch: <T>(path: string, body: unknown, ask?: Omit<Ask, 'body'>) => call<T>('PATCH', path, { ...ask, body }),
  del: <T = void>(path: string, ask?: Ask) => call<T>('DELETE', path, ask),
};
