/** Why somebody looked at a track: the words of the audit in people's language. */
import { labels } from '../i18n';

/** What the desk offers; a dispatcher may write his own words instead. */
export const LOOK_REASONS = ['complaint', 'accident', 'evidence', 'lost', 'coaching', 'other'] as const;
export const lookReason = labels(
  {
    complaint: '客户投诉',
    accident: '安全或事故',
    evidence: '案件取证',
    lost: '失联找人',
    coaching: '复盘辅导',
    other: '其他',
    own: '本人查看',
  },
  {
    complaint: 'Complaint of a customer',
    accident: 'Safety or an accident',
    evidence: 'Evidence for a claim',
    lost: 'He cannot be reached',
    coaching: 'Review and coaching',
    other: 'Something else',
    own: 'Himself',
  },
);
