"""Invented names of places, in Kazakh and Russian.

Belongs here: the stock of words and how a Kazakh name is written in Russian. Does not belong here: which
place bears which name, or how a sender misspells it.
"""

from __future__ import annotations

import itertools

_TO_RUSSIAN = str.maketrans("әғқңөұүһіӘҒҚҢӨҰҮҺІ", "агкноуухиАГКНОУУХИ")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    """
    Ақ Қара Көк Сары Қызыл Жаңа Ескі Үш Бес Жеті Он Тас Құм Бай Ай Күн Нұр Жан Алтын Күміс Темір Тұз
    Орта Жоғарғы Төменгі Үлкен Кіші Қос Шоқ Мың Ала Боз
    """
)
_SECOND = _words(
    """
    бұлақ көл төбе тау су өзен сай құдық жол қайың терек арал қала ауыл кент дала қорған жар өткел
    бастау тоғай шоқы адыр мола қамыс шығанақ оба ой шатыр
    """
)

COMMON_KK: tuple[str, ...] = _words(
    """
    Жамбыл Абай Достық Бірлік Еңбек Ынтымақ Бейбітшілік Теректі Жаңатұрмыс Қарасу Ақжар Сарыарқа Алмалы
    Шұбар Талды Қайнар Мәдениет Жаңалық Өркен Егіндікөл Көктал Амангелді Сәтбаев Жаңажол Кеңес Арай
    Саяхат Тұран Майтөбе Ақсай Береке Болашақ Дархан Самал
    """
)
"""Names that many villages share, most frequent first."""

RUSSIAN: tuple[str, ...] = _words(
    """
    Ивановка Петровка Николаевка Покровка Михайловка Александровка Новопавловка Берёзовка Каменка
    Озёрное Степное Садовое Полтавка Ольгинка Мирное Новосёлка Семёновка Киевка Раздольное Дубровка
    Боровое Успенка Лесное Ключи Заречное Октябрьское Комаровка Ростовка Украинка Белоярка Приречное
    Воскресенка
    """
)
"""Names that are the same in both languages."""

COMPOUND_KK: tuple[str, ...] = tuple(a + b for a, b in itertools.product(_FIRST, _SECOND))
"""Names put together from two words: unusual enough that most stand once in a district."""

OLD_RUSSIAN: tuple[str, ...] = _words(
    """
    Ленинское Красноармейка Калининское Фрунзе Кировское Свердловка Победа Первомайское Большевик
    Краснояр Колхозное Куйбышево Орджоникидзе Чапаевка Будённовка Советское Коммунарка Пролетарка
    Ворошиловка Дзержинское Интернационал Ударник Передовик Трудовик Целинное Комсомольское
    """
)
"""Names that villages bore before they were renamed."""


def to_russian(name_kk: str) -> str:
    """A Kazakh name in Russian letters, as the classifier writes it."""
    return name_kk.translate(_TO_RUSSIAN)


def district_name_ru(bare_ru: str) -> str:
    """Russian name of a district: an adjective where the stem allows one, else the word before the name."""
    return f"{bare_ru}ский район" if bare_ru[-1] not in "аеёиоуыэюяйь" else f"район {bare_ru}"


def rural_district_name_ru(bare_ru: str) -> str:
    """Russian name of a rural district."""
    return f"{bare_ru}ский с.о." if bare_ru[-1] not in "аеёиоуыэюяйь" else f"{bare_ru} с.о."
