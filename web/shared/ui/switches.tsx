import { isZh, setLang } from '../i18n';
import { dark, theme } from '../theme';
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

export function ThemeSwitch() {
  return (
    <Button
      kind="quiet"
      icon={dark.value ? 'sun' : 'moon'}
      aria-label={dark.value ? common('themeLight') : common('themeDark')}
      title={common('theme')}
      onClick={() => void (theme.value = dark.value ? 'light' : 'dark')}
    />
  );
}
