/** The three background trackers: the links and QR codes that set each of them up, from the secrets of pairing. */
import type { Paired } from './types';

export const INTERVAL_S = 15;
type Secrets = Pick<Paired, 'owntracks' | 'traccar' | 'overland'>;
export type AppKey = 'owntracks' | 'traccar' | 'overland';

export interface TrackerSetup {
  key: AppKey;
  name: string;
  /** Opens the app with everything filled in, on the phone itself. */
  link: string;
  /** What the app's own scanner, or the phone's camera, reads. */
  qr: string;
  fields: { name: 'url' | 'user' | 'password' | 'id' | 'token'; value: string; secret?: boolean }[];
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** A link that OwnTracks reads its whole configuration from: the same JSON as an .otrc file. */
export function owntracksLink({ url, username, password }: Secrets['owntracks']): string {
  const configuration = {
    _type: 'configuration',
    mode: 3,
    url,
    auth: true,
    username,
    password,
    deviceId: 'chakan',
    tid: 'CK',
    monitoring: 2,
    locatorInterval: INTERVAL_S,
    moveModeLocatorInterval: INTERVAL_S,
    locatorDisplacement: 10,
    cmd: false,
    remoteConfiguration: false,
  };
  return `owntracks:///config?inline=${encodeURIComponent(base64(JSON.stringify(configuration)))}`;
}

/** Traccar Client 9 and later: its scanner reads an address with the settings behind it; its own scheme opens the app and asks. */
export function traccarLinks({ url, id }: Secrets['traccar']): { qr: string; app: string } {
  const settings = {
    id,
    accuracy: 'highest',
    distance: '10',
    interval: String(INTERVAL_S),
    heartbeat: '60',
    buffer: 'true',
    stop_detection: 'false',
    stopDetection: 'false',
  };
  return {
    qr: `${url}?${new URLSearchParams(settings).toString()}`,
    app: `org.traccar.client://config?${new URLSearchParams({ url, ...settings, service: 'true' }).toString()}`,
  };
}

export function overlandLink({ url, token }: Secrets['overland'], deviceId: string): string {
  return `overland://setup?${new URLSearchParams({ url, token, device_id: deviceId, unique_id: 'yes' }).toString()}`;
}

/** All three, in the order that suits Android; `deviceId` is our own id of the device. */
export function setups(of: Secrets, deviceId: string): TrackerSetup[] {
  const traccar = traccarLinks(of.traccar);
  const owntracks = owntracksLink(of.owntracks);
  const overland = overlandLink(of.overland, deviceId);
  return [
    {
      key: 'owntracks',
      name: 'OwnTracks',
      link: owntracks,
      qr: owntracks,
      fields: [
        { name: 'url', value: of.owntracks.url },
        { name: 'user', value: of.owntracks.username },
        { name: 'password', value: of.owntracks.password, secret: true },
      ],
    },
    {
      key: 'traccar',
      name: 'Traccar Client',
      link: traccar.app,
      qr: traccar.qr,
      fields: [
        { name: 'url', value: of.traccar.url },
        { name: 'id', value: of.traccar.id, secret: true },
      ],
    },
    {
      key: 'overland',
      name: 'Overland',
      link: overland,
      qr: overland,
      fields: [
        { name: 'url', value: of.overland.url },
        { name: 'token', value: of.overland.token, secret: true },
      ],
    },
  ];
}

/** Whether an address leads nowhere but to the machine itself: no phone will ever reach it. */
export const onlyHere = (url: string): boolean => /^https?:\/\/(127\.|localhost\b|\[::1\])/.test(url);
