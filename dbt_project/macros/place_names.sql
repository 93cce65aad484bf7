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

{#-
Cyrillic letters that Latin writes with several, spelled out: 'Шар' -> 'Shар'. Capitals and small letters apart,
one after the other: nested calls for both at once are deeper than SQL tools care to parse.
-#}
{% macro spelled_out(name, capitals) -%}
{%- set pairs = [
    ('щ', 'shch'), ('ш', 'sh'), ('ч', 'ch'), ('ж', 'zh'), ('х', 'kh'), ('ц', 'ts'), ('ю', 'yu'), ('я', 'ya'), ('ё', 'yo')
] -%}
    {% for _ in pairs %}replace({% endfor %}{{ name }}
    {%- for letter, latin in pairs -%}
        , '{{ letter | upper if capitals else letter }}', '{{ latin | capitalize if capitals else latin }}')
    {%- endfor %}
{%- endmacro %}

{#- What is left of Kazakh and Russian letters in Latin ones without diacritics: 'Өскемен' -> 'Oskemen'. -#}
{% macro romanised(name) -%}
    translate(
        {{ name }},
        'абвгдезийклмнопрстуфыэәғқңөұүһіАБВГДЕЗИЙКЛМНОПРСТУФЫЭӘҒҚҢӨҰҮҺІъьЪЬ',
        'abvgdeziyklmnoprstufyeagknouuhiABVGDEZIYKLMNOPRSTUFYEAGKNOUUHI'
    )
{%- endmacro %}

{#- A name as two spellings of it agree: in small letters, е for ё. -#}
{% macro plain_letters(name) -%}
    translate(lower({{ name }}), 'ё', 'е')
{%- endmacro %}
