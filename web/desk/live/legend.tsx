import { useState } from 'preact/hooks';
import { dark } from '@shared/theme';
import { Icon } from '@shared/ui';
import { surveyorState } from '@shared/words';
import { t } from '../words';
import { COLOURS, SURVEYOR_STATES } from './layers/shapes';

const SHAPE = {
  idle: <circle cx="9" cy="9" r="6.5" />,
  offered: <path d="M9 1 17 9 9 17 1 9z" />,
  busy: <rect x="2.5" y="2.5" width="13" height="13" rx="2.5" />,
  stale: <path d="M9 1.500 17 15.500H1z" />,
  off: <circle cx="9" cy="9" r="4" />,
};
const PIN = {
  ok: <circle cx="9" cy="9" r="7" />,
  risk: <rect x="2" y="2" width="14" height="14" rx="3" />,
  late: <path d="M5.700 1h6.600L17 5.700v6.600L12.300 17H5.700L1 12.300V5.700z" />,
  none: <circle cx="9" cy="9" r="7" />,
  done: <path d="M9 3.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zm0 2a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7z" />,
};

/** What the marks mean. */
export function Legend() {
  const [open, setOpen] = useState(false);
  const colours = COLOURS[dark.value ? 'dark' : 'light'];
  const jobs = [
    ['ok', t('legendOk')],
    ['risk', t('legendRisk')],
    ['late', t('legendLate')],
    ['none', t('legendNone')],
    ['done', t('group_submitted')],
  ] as const;
  return (
    <div class="legend">
      <button type="button" class="button small" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="layers" size={15} />
        {t('legend')}
      </button>
      {open && (
        <div class="legend-box">
          <h3>{t('legendPeople')}</h3>
          <ul>
            {SURVEYOR_STATES.map((state) => (
              <li key={state}>
                <svg width="18" height="18" fill={colours.state[state]} aria-hidden="true">
                  {SHAPE[state]}
                </svg>
                {surveyorState(state)}
              </li>
            ))}
          </ul>
          <p class="muted small">{t('legendFade')}</p>
          <h3>{t('legendJobs')}</h3>
          <ul>
            {jobs.map(([look, label]) => (
              <li key={look}>
                <svg width="18" height="18" fill={colours.urgency[look]} aria-hidden="true">
                  {PIN[look]}
                </svg>
                {label}
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
