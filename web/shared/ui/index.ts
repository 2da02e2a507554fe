/** Everything a page needs from the shared layer's look. */
export {
  Badge,
  ClockBadge,
  Countdown,
  leadingClock,
  SURVEYOR_LOOK,
  SurveyorBadge,
  TASK_LOOK,
  TaskBadge,
  type Tone,
  type Urgency,
  urgencyOf,
  VerdictBadge,
} from './badge';
export { Button } from './button';
export { Dialog } from './dialog';
export { Check, Choose, type Choice, Field, Select, TextArea } from './field';
export { Icon, type IconName } from './icon';
export { Banner, EmptyState, Failed, Loaded, Progress, Skeleton, Spinner } from './state';
export { LangSwitch, ThemeSwitch } from './switches';
export { type Column, Table } from './table';
export { Tabs } from './tabs';
export { tell, tellError, Toasts } from './toast';
