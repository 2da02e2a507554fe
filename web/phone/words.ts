/** The words of the phone: the frame around the work — pairing, duty, sync, position, trackers. */
import { labels, words } from '@shared/i18n';

export const t = words(
  {
    title: '查勘员', waitingForJobs: '正在等待派单', waitingNote: '有新任务时手机会响铃、震动', offTitle: '休息中', offNote: '上岗后才会收到派单；休息时不记录位置',
    jobsTitle: '我的任务', noJobs: '暂无任务', goOn: '上岗', goOff: '下岗', goHomeAt: '几点下岗（选填）', onDuty: '在岗', offDuty: '休息', dutyPending: '等待同步', duty: '在岗状态', continueJob: '继续：{step}',
    goOffSure: '还有 {n} 件任务未完成，确定下岗吗？', goOffNote: '下岗后不再收到新派单，也不再记录位置。', stayOn: '继续在岗',

    pairTitle: '把这台手机交给查勘员使用', pairNote: '向调度员要 8 位配对码，或用相机扫描调度台上的二维码', code: '配对码', codeHint: '字母和数字，不分大小写，10 分钟内有效', pairGo: '配对这台手机',
    pairing: '正在配对…', orPassword: '用账号密码登录', orCode: '改用配对码', username: '用户名', password: '密码', signInGo: '登录', notSurveyor: '{name} 不是查勘员，请在电脑上使用调度台',
    badCode: '配对码不对、已用过，或超过 10 分钟', paired: '{name}，配对成功', needNetwork: '第一次使用需要联网', insecure: '当前地址不是 HTTPS，浏览器不允许定位、相机校验和离线使用。请用 https:// 地址打开。',
    lockedTitle: '登录已失效', lockedNote: '这台手机的授权已过期或被取消。未上传的内容都还在，请同一位查勘员重新登录后继续。', signInAgain: '重新登录',
    sealedNote: '另一位查勘员在这台手机上还有 {ops} 项操作、{photos} 张照片未上传，已封存，只有本人登录后才会发送。', welcome: '你好，{name}',

    synced: '已同步', syncing: '同步中', waitingCount: '{n} 待上传', offlineChip: '离线', offlineCount: '离线 · {n} 待上传', lastSync: '最近同步 {t}', never: '还没有同步过', syncTitle: '同步状态',
    bellOn: '即时提醒已接通：有新任务马上知道', bellOff: '即时提醒未接通：改为每隔几秒查询',
    syncNow: '立即同步', queueTitle: '等待发送的操作', photosTitle: '等待上传的照片', logTitle: '最近的操作', queueEmpty: '没有等待发送的内容', logEmpty: '还没有操作记录', tries: '已尝试 {n} 次',
    storageLine: '本机已存 {used}，占可用空间 {percent}', storagePersisted: '浏览器承诺不清理这些数据', storageMayGo: '浏览器空间紧张时可能清理数据，请安装到主屏幕', storageFull: '手机存储快满了（{percent}），请先连网上传，再继续拍照',
    keepAsk: '请求保留数据', fixesWaiting: '{n} 个位置待上传', refusedAt: '未被接受', acceptedAt: '已送达', gotIt: '知道了', refusedTitle: '有 {n} 项操作没有被接受', nowState: '任务现在的状态：{state}',
    photoRetry: '重新上传', photoDrop: '删除这张', photoDropSure: '这张照片还没有送达服务器，删除后无法恢复。', sendsFirst: '操作先发，照片后发',

    trackOk: '定位正常', trackAge: '{t}前 · ±{m} m', trackSearching: '正在定位…', trackStale: '定位已过时', trackStaleNote: '{t}没有收到新位置，调度台会把你显示为失联。请到开阔处，或检查手机定位开关。',
    trackDenied: '定位已关闭', trackDeniedNote: '没有位置就收不到附近的派单。', trackUnavailable: '手机没有给出位置', trackUnavailableNote: '请打开手机的定位开关（GPS），并关闭省电模式。',
    trackInsecure: '此地址不能定位', trackInsecureNote: '请用 https:// 地址打开查勘。', trackFix: '怎么打开', trackBackground: '后台定位', trackByApp: '后台定位正常 · {source} · {t}前', trackOff: '休息时不定位', trackUnpaired: '本机未配对，位置不会上报', trackUnpairedNote: '用密码登录只能处理调度员直接派给你的任务。向调度员要配对码，才能收到附近的派单。',
    trackRefused: '服务器没有采用位置：{why}', fixIos: '设置 → 隐私与安全性 → 定位服务 → 打开，然后选择 Safari 网站（或“查勘”）→ 使用 App 期间，并打开“精确位置”。', fixAndroid: '点地址栏左侧的图标 → 权限 → 位置 → 允许；再到系统设置打开“位置信息”，精度选“高”。',
    fixOther: '点地址栏左侧的图标 → 网站权限 → 位置 → 允许，然后重新加载页面。', clockOff: '手机时间与服务器相差 {t}', clockOffNote: '请在系统设置里打开“自动确定日期和时间”，否则位置会被拒收。', retryLocate: '重新定位',

    trackersTitle: '配对后台定位', trackersWhy: '网页只有在屏幕上打开时才能定位；锁屏或切到别的应用就停了。装一个后台定位应用，开车时也不会失联。任选一个：', trackersOnlyHere: '下面的地址只有服务器自己能打开，手机连不上。请管理员设置 CHAKAN_PUBLIC_URL 后重新配对。', trackersNone: '只有用配对码配对的手机才有后台定位的密钥。',
    trackersSecret: '这些密钥只保存在本机，等同于密码，请勿外传。', openInApp: '在应用中打开设置', showQr: '显示二维码', hideQr: '收起二维码', howTo: '怎么设置', fieldUrl: '地址 URL', fieldUser: '用户名', fieldPassword: '密码', fieldId: '设备标识', fieldToken: '令牌 Token',
    fieldMode: '模式', owntracksSteps: '安装 OwnTracks → 连接方式选 HTTP → 填入下面三项，或点“在应用中打开设置”。', traccarSteps: '安装 Traccar Client → 填入设备标识和地址 → 打开“服务状态”，或扫二维码。', overlandSteps: '（iPhone）安装 Overland → 填入接收地址和令牌，或点“在应用中打开设置”。',

    myTrack: '我的轨迹', menuTitle: '设置', soundOn: '新派单响铃', noticesOn: '允许通知', noticesDenied: '通知被浏览器拒绝，请在网站权限里打开', noticesReady: '通知已打开', install: '安装到主屏幕', installNote: '像应用一样打开，断网也能用，数据不会被清理',
    installIos: '点浏览器底部的分享按钮，再点“添加到主屏幕”，以后从主屏幕图标打开。', installMust: 'iPhone 上请先“添加到主屏幕”再上岗：浏览器会在 7 天不用后清空未上传的照片。', leave: '解除配对并退出', leaveSure: '确定退出这台手机吗？',
    leaveNote: '退出后需要新的配对码才能再用。', leaveUnsent: '还有 {n} 项没有上传。它们会封存在本机，只有你本人再次登录后才会发送。', dayNight: '日间／夜间', version: '有新版本', versionGo: '更新', versionNote: '更新不会丢失未上传的内容', deviceLine: '设备 {id}', org: '机构',
    offerTitle: '新派单', offerNotice: '距离 {distance}，剩余 {left}，点此接单', copied: '已复制', copy: '复制',
  },
  {
    title: 'Surveyor', waitingForJobs: 'Waiting for a job', waitingNote: 'The phone rings and vibrates when one comes', offTitle: 'Off duty', offNote: 'Jobs come only on duty; nothing of your position is recorded now',
    jobsTitle: 'My jobs', noJobs: 'No jobs', goOn: 'Go on duty', goOff: 'Go off duty', goHomeAt: 'Going home at (optional)', onDuty: 'On duty', offDuty: 'Off duty', dutyPending: 'waiting to sync', duty: 'Duty', continueJob: 'Next: {step}',
    goOffSure: '{n} {n|job is|jobs are} not finished. Go off duty?', goOffNote: 'No new jobs will come and no position is recorded.', stayOn: 'Stay on duty',

    pairTitle: 'Make this phone a surveyor’s phone', pairNote: 'Ask the dispatcher for the 8-place code, or scan the QR code on his screen with the camera', code: 'Pairing code', codeHint: 'Letters and digits, any case, good for ten minutes', pairGo: 'Pair this phone',
    pairing: 'Pairing…', orPassword: 'Sign in with a password', orCode: 'Use a pairing code', username: 'User name', password: 'Password', signInGo: 'Sign in', notSurveyor: '{name} is not a surveyor; use the desk on a computer',
    badCode: 'That code is wrong, used, or older than ten minutes', paired: 'Welcome, {name}: this phone is paired', needNetwork: 'The first use needs a network', insecure: 'This address is not HTTPS: the browser allows no position, no photo digest and no offline use. Open it by https://.',
    lockedTitle: 'The sign-in has ended', lockedNote: 'This phone’s permission has expired or was withdrawn. Nothing that waits is lost: the same surveyor signs in again and goes on.', signInAgain: 'Sign in again',
    sealedNote: 'Another surveyor still has {ops} actions and {photos} photos on this phone. They are sealed and are sent only when he signs in himself.', welcome: 'Hello, {name}',

    synced: 'Synced', syncing: 'Syncing', waitingCount: '{n} to send', offlineChip: 'Offline', offlineCount: 'Offline · {n} to send', lastSync: 'Last sync {t}', never: 'Never synced', syncTitle: 'Sync',
    bellOn: 'Instant alerts are on: you hear of a new job at once', bellOff: 'Instant alerts are off: asking every few seconds instead',
    syncNow: 'Sync now', queueTitle: 'Actions waiting', photosTitle: 'Photos waiting', logTitle: 'Recent actions', queueEmpty: 'Nothing is waiting', logEmpty: 'No actions yet', tries: '{n} tries',
    storageLine: '{used} kept on this phone, {percent} of what it may use', storagePersisted: 'The browser promises to keep it', storageMayGo: 'The browser may clear it when space is short: install the app', storageFull: 'The phone is nearly full ({percent}): connect and upload before taking more photos',
    keepAsk: 'Ask to keep the data', fixesWaiting: '{n} {n|position|positions} to send', refusedAt: 'Not accepted', acceptedAt: 'Delivered', gotIt: 'Understood', refusedTitle: '{n} {n|action was|actions were} not accepted', nowState: 'The job is now: {state}',
    photoRetry: 'Upload again', photoDrop: 'Delete this photo', photoDropSure: 'The server does not have this photo; it cannot be brought back.', sendsFirst: 'Actions go first, photos after',

    trackOk: 'Position is fine', trackAge: '{t} ago · ±{m} m', trackSearching: 'Finding the position…', trackStale: 'The position is old', trackStaleNote: 'No new position for {t}; the desk shows you as lost. Go into the open, or check the phone’s location switch.',
    trackDenied: 'Location is off', trackDeniedNote: 'Without a position no nearby job can reach you.', trackUnavailable: 'The phone gives no position', trackUnavailableNote: 'Switch on location (GPS) and switch off battery saving.',
    trackInsecure: 'No position at this address', trackInsecureNote: 'Open Chakan by its https:// address.', trackFix: 'How to switch on', trackBackground: 'Background tracking', trackByApp: 'Tracked in the background · {source} · {t} ago', trackOff: 'No tracking off duty', trackUnpaired: 'Not paired: no position is sent', trackUnpairedNote: 'Signed in by password you can work on jobs the dispatcher gives you. Ask for a pairing code to be offered jobs nearby.',
    trackRefused: 'The server did not use the position: {why}', fixIos: 'Settings → Privacy & Security → Location Services → on, then Safari Websites (or “Chakan”) → While Using, with Precise Location.', fixAndroid: 'Tap the icon left of the address → Permissions → Location → Allow; then switch Location on in the system settings, high accuracy.',
    fixOther: 'Click the icon left of the address → site permissions → Location → Allow, then reload the page.', clockOff: 'The phone’s clock is {t} off', clockOffNote: 'Switch on automatic date and time in the system settings, or positions are refused.', retryLocate: 'Locate again',

    trackersTitle: 'Background tracking', trackersWhy: 'A web page knows its position only while it is on the screen; locked or behind another app it hears nothing. A tracker app keeps you on the map while you drive. Any one of these:', trackersOnlyHere: 'These addresses lead to the server itself; no phone reaches them. Ask the administrator to set CHAKAN_PUBLIC_URL, then pair anew.', trackersNone: 'Only a phone paired by code has the keys for background tracking.',
    trackersSecret: 'These keys are kept on this phone only. They are as good as a password: show them to nobody.', openInApp: 'Open the settings in the app', showQr: 'Show QR code', hideQr: 'Hide QR code', howTo: 'How to set it up', fieldUrl: 'URL', fieldUser: 'User name', fieldPassword: 'Password', fieldId: 'Device identifier', fieldToken: 'Access token',
    fieldMode: 'Mode', owntracksSteps: 'Install OwnTracks → connection mode HTTP → fill in these three, or tap “Open the settings in the app”.', traccarSteps: 'Install Traccar Client → fill in the identifier and the URL → switch the service on, or scan the QR code.', overlandSteps: '(iPhone) Install Overland → fill in the receiver endpoint and the token, or tap “Open the settings in the app”.',

    myTrack: 'My track', menuTitle: 'Settings', soundOn: 'Ring for new jobs', noticesOn: 'Allow notifications', noticesDenied: 'The browser refuses notifications; allow them in the site’s permissions', noticesReady: 'Notifications are on', install: 'Add to the home screen', installNote: 'Opens like an app, works with no network, and its data is kept',
    installIos: 'Tap the share button of the browser, then “Add to Home Screen”, and open Chakan from its icon.', installMust: 'On an iPhone add Chakan to the home screen before going on duty: the browser clears unsent photos after seven idle days.', leave: 'Unpair and leave', leaveSure: 'Leave this phone?',
    leaveNote: 'You need a new pairing code to come back.', leaveUnsent: '{n} {n|thing is|things are} not uploaded: sealed on this phone, sent only when you sign in again yourself.', dayNight: 'Day / night', version: 'A new version is ready', versionGo: 'Update', versionNote: 'Nothing unsent is lost', deviceLine: 'Device {id}', org: 'Organisation',
    offerTitle: 'New job', offerNotice: '{distance} away, {left} left: tap to answer', copied: 'Copied', copy: 'Copy',
  },
);

export const opName = labels(
  { shift: '上下岗', accept: '接单', decline: '拒单', contact: '联系客户', take_back: '撤回“已接通”', depart: '出发', arrive: '到达', appoint: '预约', done_by: '预计完成', submit: '提交查勘', hand_over: '转交', photo: '照片' },
  { shift: 'Duty', accept: 'Accept', decline: 'Decline', contact: 'Contact', take_back: 'Not answered after all', depart: 'Departure', arrive: 'Arrival', appoint: 'Appointment', done_by: 'Done by', submit: 'Report', hand_over: 'Hand over', photo: 'Photo' },
);
export const source = labels(
  { owntracks: 'OwnTracks', traccar: 'Traccar', overland: 'Overland', api: '本页', phone: '本页', web: '本页', pings: '本页' },
  { owntracks: 'OwnTracks', traccar: 'Traccar', overland: 'Overland', api: 'this page', phone: 'this page', web: 'this page', pings: 'this page' },
);
export const fixRefusal = labels(
  {
    imprecise: '精度太差', off_duty: '不在岗', from_the_future: '手机时间超前', too_old: '手机时间落后或位置太旧', impossible_speed: '移动速度不合理', zero: '坐标为零', out_of_range: '坐标超出范围', malformed: '格式不对',
  },
  {
    imprecise: 'too imprecise', off_duty: 'off duty', from_the_future: 'the phone’s clock is ahead', too_old: 'too old, or the phone’s clock is behind', impossible_speed: 'impossible speed', zero: 'zero coordinates', out_of_range: 'out of range', malformed: 'malformed',
  },
);
