"""What an administrator does at the desk: areas drawn, accounts ended only after a question, one's own password."""

import pytest
from sqlalchemy import select

from geo.models import Area
from staff import accounts
from staff.models import Person
from tests.screens import deskside as kit
from tests.screens.deskside import PASSWORD, sit_down, until


@pytest.fixture
def admin(browser, sessions):
    return sit_down(browser, sessions, "admin")


def rows(sessions, model):
    with sessions() as session:
        return session.scalars(select(model)).all()


def test_an_area_is_drawn_on_the_map_and_removed_after_a_question(admin, sessions):
    admin.open("settings/areas")
    admin.press("main .tools button.primary")
    admin.sees("dialog .ring-map canvas")
    admin.page.keyboard.type("试验区")
    box = admin.page.locator("dialog .ring-map canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for n, (dx, dy) in enumerate([(-90, -60), (90, -60), (90, 60), (-90, 60)]):
        admin.page.mouse.click(x + dx, y + dy)
        until(lambda n=n: admin.page.locator(".ring-corner").count() == n + 1)
    admin.press("dialog button[type=submit]")
    admin.loses("dialog")
    admin.sees("tbody tr", "试验区")
    assert [one.name for one in rows(sessions, Area)] == ["试验区"]
    admin.press("tbody button[aria-label=删除责任区]")
    admin.press("dialog .danger")
    admin.loses("tbody tr", "试验区")
    assert rows(sessions, Area) == []
    assert not admin.errors


def test_a_pasted_outline_that_is_none_says_so_and_cannot_be_saved(admin):
    admin.open("settings/areas")
    admin.press("main .tools button.primary")
    admin.sees("dialog details summary").click()
    admin.page.keyboard.type("试")
    admin.page.fill("dialog textarea", '{"type": "Point", "coordinates": [116, 39]}')
    admin.sees("dialog .field-error")
    assert admin.page.is_disabled("dialog button[type=submit]")


def test_somebody_gets_a_new_name_and_telephone_number(admin, sessions):
    kit.somebody(sessions, "seat", username="zhou", name="周旧")
    admin.open("settings/people")
    admin.press("tr:has-text('周旧') button[aria-label=修改]")
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_label("姓名").fill("周新")
    dialog.get_by_label("手机号").fill("13911112222")
    admin.press("dialog .primary")
    admin.sees("tr:has-text('周新')", "zhou")
    admin.press("tr:has-text('周新') button[aria-label=修改]")
    assert dialog.get_by_label("手机号").input_value() == "13911112222"


def test_an_account_is_ended_only_after_a_question_and_comes_back_by_undo(admin, sessions):
    other = kit.somebody(sessions, "seat", username="wang", name="王坐席")

    def ended() -> bool:
        return any(one.id == other.id and one.disabled_at for one in rows(sessions, Person))

    admin.open("settings/people")
    admin.press("tr:has-text('王坐席') button[aria-label=停用账号]")
    admin.sees("dialog h2", "王坐席")
    assert not ended()
    admin.press("dialog .danger")
    assert until(ended)
    admin.press(".toast button", "撤销")
    assert until(lambda: not ended())


def test_one_changes_his_own_password_at_the_desk(admin, sessions):
    admin.open("settings")
    admin.press(".account > button")
    admin.press(".account-menu button", "修改密码")
    for name, value in (
        ("current", PASSWORD),
        ("new", "another long word 8"),
        ("again", "another long word"),
    ):
        admin.page.fill(f"dialog input[name={name}]", value)
    admin.press("dialog button[type=submit]")
    admin.sees("dialog .field-error")
    admin.page.fill("dialog input[name=again]", "another long word 8")
    admin.press("dialog button[type=submit]")
    admin.loses("dialog")
    [me] = rows(sessions, Person)
    assert accounts.sign_in(sessions, me.username, "another long word 8")[0].has("admin")
