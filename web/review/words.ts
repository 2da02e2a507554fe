import { labels, words } from '@shared/i18n';

/** Words of the review desk. */
export const t = words(
  {
    review: '定损审核', queue: '待审案件', mine: '我的', all: '全部', returned: '已退回', none: '没有待审的案件', noneNote: '查勘员上传照片或提交后，案件会出现在这里。', noneMine: '您手上没有案件', pick: '从左侧选择一个案件，或按 Enter 取最急的一件',
    take: '取件', release: '放回', takenBy: '{name} 正在审', free: '未取件', takeFirst: '先取件，才能审核', takeNext: '取最急的一件', photosOf: '照片 {n}', waitingN: '待审 {n}', sentBackN: '退回 {n}', noPhotos: '还没有照片', noPhotosNote: '查勘员上传后会立刻出现。', onScene: '查勘员仍在现场',
    approve: '通过', approveRest: '其余全部通过', sendBack: '退回补拍', sendBackTitle: '退回补拍：{shot}', sendBackNote: '给查勘员的话（选填）', sendBackDone: '已退回，{name}会在手机上看到', retake: '补拍', answered: '已补拍', region: '已圈出位置', regionNote: '可在照片上拖出一个框，指给查勘员看', clearRegion: '清除圈选',
    damaged: '文件损坏，只能看原件', processing: '正在生成预览…', original: '看原件', originalNote: '查看原件会被记录', preview: '看预览', zoomIn: '放大', zoomOut: '缩小', fit: '适应窗口', compare: '对比', compareWith: '与上一张对比', prev: '上一张', next: '下一张', photoOf: '第 {n} / {all} 张',
    taken: '拍摄', received: '收到', size: '大小', hash: 'SHA-256', place: '拍摄位置', distance: '距出险地点', accuracy: '误差 ±{m} m', noPosition: '没有位置', flags: '提示', fromCustomer: '客户上传', reviews: '审核记录', sketch: '拍摄位置与出险地点',
    missing: '缺少 {n} 项', missingTitle: '缺少的必拍项', ask: '要求补拍', waive: '免拍', waiveReason: '免拍原因', waived: '已免拍', asked: '已要求补拍',
    lines: '定损单', item: '标的', part: '项目', action: '方式', qty: '数量', unit: '单价（元）', sum: '金额（元）', lineNote: '备注', addLine: '加一行', removeLine: '删除这一行', total: '合计', saved: '已保存 第 {v} 版', saving: '正在保存…', unsaved: '未保存', saveFailed: '没有保存', noLines: '还没有定损项目', versions: '版本', versionOf: '第 {v} 版', changed: '与上一版相比', added: '新增', removed: '删除', altered: '修改', conflict: '别人刚刚保存了新版本，请选择用哪一份', theirs: '载入对方的', ours: '保存我的', wrongLines: '有一行没填完整', loadVersion: '恢复此版本', badPrice: '金额不对',
    approveClaim: '核损通过', authority: '您的权限 {n}', beyond: '超出您的权限，请交由权限更高的人员', waitPhotos: '还有 {n} 张照片没有结论', waitRetakes: '还有 {n} 张退回的照片没有补拍', withoutShots: '缺少必拍项：{shots}。通过后会记录在案。', retakeCame: '补拍已到：{shots}', owed: '待补拍 {n}', waitSurvey: '查勘员还没有提交', waitLines: '先填写定损项目', approvedDone: '案件 {no} 已核损通过', confirmApprove: '确定通过 {no}，金额 {total}？', approvedState: '已核损通过',
    facts: '案情', cause: '原因', injured: '受伤', report: '报案', surveyor: '查勘员', policy: '保单', plates: '车牌', keys: '快捷键', keyPhotos: '上一张 / 下一张照片', keyClaims: '上一个 / 下一个案件', keyApprove: '通过这张照片', keySend: '退回补拍', keyZoom: '放大 / 适应窗口', keyCompare: '与上一张对比', keyTake: '取件', keyJump: '跳到第 1–9 张', keyLine: '定损单：Enter 下一行，Ctrl+Enter 核损通过', desk: '调度台',
  },
  {
    review: 'Review', queue: 'Queue', mine: 'Mine', all: 'All', returned: 'Sent back', none: 'Nothing to review', noneNote: 'Jobs appear when a surveyor uploads or submits.', noneMine: 'You hold no job', pick: 'Choose a job on the left, or press Enter for the most urgent',
    take: 'Take', release: 'Put back', takenBy: '{name} is reviewing', free: 'Not taken', takeFirst: 'Take the job to review it', takeNext: 'Take the most urgent', photosOf: '{n} photos', waitingN: '{n} waiting', sentBackN: '{n} sent back', noPhotos: 'No photos yet', noPhotosNote: 'They appear as the surveyor uploads.', onScene: 'The surveyor is still on scene',
    approve: 'Approve', approveRest: 'Approve the rest', sendBack: 'Send back', sendBackTitle: 'Send back: {shot}', sendBackNote: 'Words for the surveyor (optional)', sendBackDone: 'Sent back; {name} sees it on the phone', retake: 'Retake', answered: 'Retaken', region: 'Region marked', regionNote: 'Drag a box on the photo to show the surveyor where', clearRegion: 'Clear the region',
    damaged: 'Damaged file; only the original can be seen', processing: 'Making the preview…', original: 'Original', originalNote: 'Looking at the original is logged', preview: 'Preview', zoomIn: 'Zoom in', zoomOut: 'Zoom out', fit: 'Fit', compare: 'Compare', compareWith: 'Compare with the one before', prev: 'Previous', next: 'Next', photoOf: '{n} of {all}',
    taken: 'Taken', received: 'Received', size: 'Size', hash: 'SHA-256', place: 'Taken at', distance: 'From the loss', accuracy: '±{m} m', noPosition: 'No position', flags: 'Hints', fromCustomer: 'From the customer', reviews: 'Verdicts', sketch: 'Where it was taken and the loss',
    missing: '{n} missing', missingTitle: 'Required shots that are missing', ask: 'Ask for it', waive: 'Waive', waiveReason: 'Why it is not needed', waived: 'Waived', asked: 'Asked for',
    lines: 'Damage lines', item: 'Item', part: 'Part', action: 'Action', qty: 'Qty', unit: 'Unit (yuan)', sum: 'Sum (yuan)', lineNote: 'Note', addLine: 'Add a line', removeLine: 'Remove this line', total: 'Total', saved: 'Saved, version {v}', saving: 'Saving…', unsaved: 'Not saved', saveFailed: 'Not saved', noLines: 'No damage lines yet', versions: 'Versions', versionOf: 'Version {v}', changed: 'Against the one before', added: 'Added', removed: 'Removed', altered: 'Changed', conflict: 'Somebody just saved a newer version; choose which one to keep', theirs: 'Load theirs', ours: 'Keep mine', wrongLines: 'A line is incomplete', loadVersion: 'Restore this version', badPrice: 'Not a price',
    approveClaim: 'Approve the claim', authority: 'Your authority {n}', beyond: 'Beyond your authority; somebody with more must approve', waitPhotos: '{n} photos have no verdict', waitRetakes: '{n} photos sent back are not retaken yet', withoutShots: 'Required shots are missing: {shots}. The approval records that.', retakeCame: 'Retake arrived: {shots}', owed: '{n} to retake', waitSurvey: 'The surveyor has not submitted', waitLines: 'Fill in the damage lines first', approvedDone: 'Claim {no} is approved', confirmApprove: 'Approve {no} at {total}?', approvedState: 'Approved',
    facts: 'Facts', cause: 'Cause', injured: 'Injured', report: 'Reported', surveyor: 'Surveyor', policy: 'Policy', plates: 'Plates', keys: 'Keys', keyPhotos: 'Previous / next photo', keyClaims: 'Previous / next job', keyApprove: 'Approve this photo', keySend: 'Send back', keyZoom: 'Zoom / fit', keyCompare: 'Compare with the one before', keyTake: 'Take the job', keyJump: 'Photo 1–9', keyLine: 'Lines: Enter for the next, Ctrl+Enter approves the claim', desk: 'Desk',
  },
);

export const actionName = labels(
  { replace: '更换', repair: '维修', paint: '喷漆', labour: '工时', other: '其他' },
  { replace: 'Replace', repair: 'Repair', paint: 'Paint', labour: 'Labour', other: 'Other' },
);
