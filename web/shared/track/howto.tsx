/** How each tracker is set up: numbered steps beside a drawing of its settings. Our own drawings, not pictures of the apps. */
import { isZh, words } from '../i18n';
import type { AppKey } from '../trackers';
import './howto.css';

const t = words(
  {
    drawing: '示意图（非应用截图）',
    keep: '手机系统：允许“始终”定位，把应用移出电池优化，允许自启动。',
    store: '在应用商店搜索 {name} 安装',
  },
  {
    drawing: 'A drawing, not a picture of the app',
    keep: 'In the system settings allow location “always”, take the app out of battery optimisation, allow it to start itself.',
    store: 'Install {name} from the app store',
  },
);

interface Row {
  zh: string;
  en: string;
  value: string;
  step?: number;
}
interface Sheet {
  title: string;
  steps: { zh: string; en: string }[];
  rows: Row[];
}

const SHEETS: Record<AppKey, Sheet> = {
  owntracks: {
    title: 'OwnTracks',
    steps: [
      {
        zh: '点“在应用中打开设置”，或用手机相机扫二维码，确认导入。',
        en: 'Tap “Open the settings in the app”, or scan the QR code with the camera, and accept the import.',
      },
      {
        zh: '手动填写：偏好设置 → 连接 → 模式选 HTTP，填地址、用户名和密码。',
        en: 'By hand: Preferences → Connection → mode HTTP; fill in URL, user name and password.',
      },
      { zh: '地图页上方选“移动”（Move）模式：每 15 秒一个位置。', en: 'On the map choose “Move”: a position every 15 s.' },
    ],
    rows: [
      { zh: '模式', en: 'Mode', value: 'HTTP', step: 2 },
      { zh: '地址', en: 'URL', value: '…/ingest/owntracks', step: 2 },
      { zh: '用户名', en: 'User name', value: '7310…', step: 2 },
      { zh: '密码', en: 'Password', value: '••••••', step: 2 },
      { zh: '监控', en: 'Monitoring', value: 'Move', step: 3 },
    ],
  },
  traccar: {
    title: 'Traccar Client',
    steps: [
      {
        zh: '在应用里点“扫描二维码”，或点“在应用中打开设置”并确认。',
        en: 'Scan the QR code inside the app, or tap “Open the settings in the app” and accept.',
      },
      {
        zh: '手动填写：设备标识、服务器地址；精度选“最高”，频率 15 秒。',
        en: 'By hand: device identifier, server URL; accuracy highest, interval 15 s.',
      },
      { zh: '打开“持续定位”。', en: 'Switch on “Continuous tracking”.' },
    ],
    rows: [
      { zh: '设备标识', en: 'Device identifier', value: '••••••', step: 2 },
      { zh: '服务器地址', en: 'Server URL', value: '…/ingest/traccar', step: 2 },
      { zh: '定位精度', en: 'Location accuracy', value: 'highest', step: 2 },
      { zh: '频率', en: 'Interval', value: '15', step: 2 },
      { zh: '持续定位', en: 'Continuous tracking', value: '●', step: 3 },
    ],
  },
  overland: {
    title: 'Overland',
    steps: [
      {
        zh: '点“在应用中打开设置”：一次填好全部内容。',
        en: 'Tap “Open the settings in the app”: everything is filled in at once.',
      },
      {
        zh: '手动填写：接收地址（Receiver Endpoint）和令牌（Access Token）。',
        en: 'By hand: Receiver Endpoint URL and Access Token.',
      },
      {
        zh: '打开 Tracking；Continuous Tracking 选 Both，Desired Accuracy 选 Best。',
        en: 'Switch tracking on; Continuous Tracking “Both”, Desired Accuracy “Best”.',
      },
    ],
    rows: [
      { zh: '接收地址', en: 'Receiver Endpoint', value: '…/ingest/overland', step: 2 },
      { zh: '令牌', en: 'Access Token', value: '••••••', step: 2 },
      { zh: '持续定位', en: 'Continuous Tracking', value: 'Both', step: 3 },
      { zh: '精度', en: 'Desired Accuracy', value: 'Best', step: 3 },
    ],
  },
};

function Drawing({ of }: { of: Sheet }) {
  const height = 44 + of.rows.length * 34 + 14;
  return (
    <svg class="app-sketch" viewBox={`0 0 240 ${height}`} role="img" aria-label={`${of.title}: ${t('drawing')}`}>
      <rect x="1" y="1" width="238" height={height - 2} rx="16" class="frame" />
      <rect x="1" y="1" width="238" height="36" rx="16" class="head" />
      <text x="120" y="24" class="title">
        {of.title}
      </text>
      {of.rows.map((row, n) => (
        <g key={row.en} transform={`translate(12 ${44 + n * 34})`}>
          <rect width="216" height="28" rx="6" class="field" />
          <text x="8" y="18" class="name">
            {isZh() ? row.zh : row.en}
          </text>
          <text x="184" y="18" class="value">
            {row.value}
          </text>
          {row.step && (
            <>
              <circle cx="201" cy="14" r="9" class="dot" />
              <text x="201" y="18" class="no">
                {row.step}
              </text>
            </>
          )}
        </g>
      ))}
    </svg>
  );
}

export function HowTo({ app }: { app: AppKey }) {
  const sheet = SHEETS[app];
  return (
    <div class="howto">
      <ol>
        <li value={0}>{t('store', { name: sheet.title })}</li>
        {sheet.steps.map((step, n) => (
          <li key={n} value={n + 1}>
            {isZh() ? step.zh : step.en}
          </li>
        ))}
        <li>{t('keep')}</li>
      </ol>
      <figure>
        <Drawing of={sheet} />
        <figcaption class="muted small">{t('drawing')}</figcaption>
      </figure>
    </div>
  );
}
