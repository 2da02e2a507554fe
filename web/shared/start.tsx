/** Draws a page; a crash while drawing shows a way out instead of a white screen. */
import { Component, type ComponentChildren, render } from 'preact';
import './style.css';
import './theme';
import { isZh } from './i18n';

class Guard extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ broken: true });
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div class="empty failed" role="alert">
        <strong>{isZh() ? '页面出错了，您填写的内容没有丢失。' : 'The page failed; what you typed is kept.'}</strong>
        <button type="button" class="button primary medium" onClick={() => location.reload()}>
          <span>{isZh() ? '重新加载' : 'Reload'}</span>
        </button>
      </div>
    );
  }
}

export function start(page: ComponentChildren): void {
  const root = document.getElementById('app');
  if (root) render(<Guard>{page}</Guard>, root);
}
