{#- Names of places: the bare name without its type word, and the name in Latin letters. -#}

{#- 'с.Абралы' -> 'Абралы', 'Абайский район' -> 'Абайский'. -#}
{% macro plain_name_ru(name) -%}
    trim(regexp_replace(
        regexp_replace(
            {{ name }},
            '^(с[.]о[.]|г[.]а[.]|п[.]а[.]|с[.]|г[.]|п[.]|ст[.]|рзд[.]|уч[.]|район |Район |область )',
            ''
        ),
        '( район| область| Г[.]А[.]| с[.]о[.]?)$',
        ''
    ))
{%- endmacro %}

{#- 'Абыралы а.' -> 'Абыралы', 'Аягөз ауданы' -> 'Аягөз'. The misprint 'ќ.' for 'қ.' occurs in the classifier. -#}
{% macro plain_name_kk(name) -%}
    trim(regexp_replace(
        {{ name }},
        '( а[.]о[.]?| а[.]ә[.]| к[.]ә[.]| қ[.]ә[.]| Қ[.]Ә[.]| Г[.]А[.]| а[.]?| қ[.]| ќ[.]| к[.]| К[.]| с[.]|[ .]ауданы| облысы)$',
        ''
    ))
{%- endmacro %}

{#- Kazakh and Russian letters in Latin ones without diacritics: 'Өскемен' -> 'Oskemen', 'Шар' -> 'Shar'. -#}
{% macro romanised(name) -%}
{%- set digraphs = [
    ('щ', 'shch'), ('ш', 'sh'), ('ч', 'ch'), ('ж', 'zh'), ('х', 'kh'), ('ц', 'ts'), ('ю', 'yu'), ('я', 'ya'), ('ё', 'yo'),
    ('Щ', 'Shch'), ('Ш', 'Sh'), ('Ч', 'Ch'), ('Ж', 'Zh'), ('Х', 'Kh'), ('Ц', 'Ts'), ('Ю', 'Yu'), ('Я', 'Ya'), ('Ё', 'Yo')
] -%}
{%- set letters = 'абвгдезийклмнопрстуфыэәғқңөұүһіАБВГДЕЗИЙКЛМНОПРСТУФЫЭӘҒҚҢӨҰҮҺІ' -%}
{%- set latin = 'abvgdeziyklmnoprstufyeagknouuhiABVGDEZIYKLMNOPRSTUFYEAGKNOUUHI' -%}
    translate(
        {% for _ in digraphs %}replace({% endfor %}{{ name }}
        {%- for letter, replacement in digraphs %}, '{{ letter }}', '{{ replacement }}'){% endfor %},
        '{{ letters }}ъьЪЬ', '{{ latin }}'
    )
{%- endmacro %}
