/** Hand-over to the navigation apps: each speaks its own datum, and a wrong one is half a kilometre wrong. */
import { fromWgs84, type LonLat } from '@shared/datum';
import type { Datum } from '@shared/types';
import { isIos } from './device';

export type AppKey = 'amap' | 'baidu' | 'tencent' | 'apple' | 'google';
export interface NavApp {
  key: AppKey;
  datum: Datum;
  /** Opens the installed app. */
  app: string;
  /** The same way in the browser, for a phone without that app. */
  web: string;
}

const NAME = 'chakan';
const six = (n: number) => n.toFixed(6);

/** Google and Apple draw mainland China on GCJ-02 as well; outside China GCJ-02 is WGS-84 and nothing moves. */
const DATUM: Record<AppKey, Datum> = { amap: 'gcj02', baidu: 'bd09', tencent: 'gcj02', apple: 'gcj02', google: 'gcj02' };

type Make = (lon: string, lat: string, name: string) => { app: string; web: string };
const MAKE: Record<AppKey, Make> = {
  amap: (lon, lat, name) => ({
    // dev=0: the numbers are GCJ-02 already; t=0: by car.
    app: `${isIos ? 'iosamap://path' : 'amapuri://route/plan/'}?sourceApplication=${NAME}&dlat=${lat}&dlon=${lon}&dname=${name}&dev=0&t=0`,
    web: `https://uri.amap.com/navigation?to=${lon},${lat},${name}&mode=car&coordinate=gaode&callnative=1&src=${NAME}`,
  }),
  baidu: (lon, lat, name) => ({
    app: `baidumap://map/direction?destination=latlng:${lat},${lon}%7Cname:${name}&coord_type=bd09ll&mode=driving&src=${isIos ? 'ios' : 'andr'}.${NAME}.phone`,
    web: `https://api.map.baidu.com/marker?location=${lat},${lon}&title=${name}&content=${name}&coord_type=bd09ll&output=html&src=webapp.${NAME}.phone`,
  }),
  tencent: (lon, lat, name) => ({
    app: `qqmap://map/routeplan?type=drive&fromcoord=CurrentLocation&to=${name}&tocoord=${lat},${lon}&referer=${NAME}`,
    web: `https://apis.map.qq.com/uri/v1/routeplan?type=drive&to=${name}&tocoord=${lat},${lon}&policy=0&referer=${NAME}`,
  }),
  apple: (lon, lat, name) => ({
    app: `maps://?daddr=${lat},${lon}&q=${name}&dirflg=d`,
    web: `https://maps.apple.com/?daddr=${lat},${lon}&q=${name}&dirflg=d`,
  }),
  google: (lon, lat) => ({
    app: isIos ? `comgooglemaps://?daddr=${lat},${lon}&directionsmode=driving` : `google.navigation:q=${lat},${lon}&mode=d`,
    web: `https://www.google.com/maps/dir/?api=1&destination=${lat},${lon}&travelmode=driving`,
  }),
};

/** All five ways to a WGS-84 place; Apple only where it exists, the last used one first. */
export function navApps(place: LonLat, name: string, last: AppKey | null): NavApp[] {
  const said = encodeURIComponent(name);
  const made = (Object.keys(MAKE) as AppKey[]).map((key) => {
    const at = fromWgs84(place, DATUM[key]);
    return { key, datum: DATUM[key], ...MAKE[key](six(at.lon), six(at.lat), said) };
  });
  return made.sort((a, b) => Number(b.key === last) - Number(a.key === last));
}
