import { isZh, setLang } from '../i18n';
import { theme, THEMES } from '../theme';
import { common } from '../words';
import { Button } from './button';

/** 中 / EN; shows the language one gets. */
export function LangSwitch() {
  return (
    <Button
      kind="quiet"
      icon="languages"
      lang={isZh() ? 'en' : 'zh-CN'}
      aria-label={isZh() ? 'English' : '中文'}
      onClick={() => setLang(isZh() ? 'en' : 'zh-CN')}
    >
      {isZh() ? 'EN' : '中'}
    </Button>
  );
}

const THEME_ICON = { auto: 'monitor', light: 'sun', dark: 'moon', night: 'clock' } as const;
const THEME_WORD = { auto: 'themeAuto', light: 'themeLight', dark: 'themeDark', night: 'themeNight' } as const;

/** Goes through the themes: as the machine, light, dark, dark by night. The icon says which is set. */
export function ThemeSwitch() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'auto';
  const told = `${common('theme')}: ${common(THEME_WORD[theme.value])}`;
  return (
    <Button
      kind="quiet"
      icon={THEME_ICON[theme.value]}
      aria-label={told}
      title={told}
      onClick={() => void (theme.value = next)}
    />
  );
}
