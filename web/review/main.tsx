import { start } from '@shared/start';
import { EmptyState } from '@shared/ui';

start(<EmptyState icon="loader" title="review" />);
