import { words } from '@shared/i18n';

const t = words(
  {
    straight_line: '直线估算',
    roads: '本地路网',
    osrm: '道路时间（OSRM）',
    valhalla: '道路时间（Valhalla）',
    amap: '道路时间（高德）',
    none: '—',
  },
  {
    straight_line: 'straight line',
    roads: 'own roads',
    osrm: 'by road (OSRM)',
    valhalla: 'by road (Valhalla)',
    amap: 'by road (Amap)',
    none: '—',
  },
);

const KNOWN = ['straight_line', 'roads', 'osrm', 'valhalla', 'amap', 'none'] as const;

/** Who told a drive time. */
export const provider = (name: string): string => {
  const known = KNOWN.find((one) => one === name);
  return known ? t(known) : name;
};
