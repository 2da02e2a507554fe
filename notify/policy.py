"""The settings of this room: what an organisation may choose about its messages."""

from staff.rules import Known

KNOWN: dict[str, Known] = {
    known.key: known
    for known in (
        Known("sms_signature", "查勘", "text", "短信签名", "SMS signature", least=2, most=12),
        Known(
            "customer_lang",
            "zh-CN",
            "choice",
            "客户短信语言",
            "Language of texts to customers",
            choices=("zh-CN", "en"),
        ),
        Known(
            "message_stale_min",
            30,
            "int",
            "短信过时不发",
            "Drop a message older than",
            least=5,
            most=240,
            unit="min",
        ),
        Known(
            "link_days",
            30,
            "int",
            "结案后客户链接有效期",
            "Customer link after closing",
            least=1,
            most=365,
            unit="d",
        ),
        Known("offer_sms", True, "bool", "派单同时短信提醒查勘员", "Text the surveyor about an offer"),
        Known(
            "head_sms",
            True,
            "bool",
            "超时督办短信通知机构负责人",
            "Text the branch head about a broken limit",
        ),
        Known("webhook_url", "", "text", "事件推送地址", "Webhook address", least=0, most=500),
    )
}
DEFAULTS = {key: known.default for key, known in KNOWN.items()}
