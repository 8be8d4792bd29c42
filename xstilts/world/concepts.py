"""What there is in the world: kinds, qualities, actions, places, and what is usually true of them.

A concept is named by its English lemma. Tables only: how a concept is said in a language is in
`languages`, which events happen is in `events`. The world is far smaller and far more regular than
ours on purpose: an encoder of a few megabytes must be able to learn it from a few million words.
"""


def _table(text: str) -> dict[str, list[str]]:
    """Read "key: a b c" lines."""
    lines = (line.split(":") for line in text.strip().splitlines())
    return {key.strip(): values.split() for key, values in lines}


PEOPLE = _table("""
    trader: baker butcher grocer tailor jeweler
    traveler: pilot sailor driver guide tourist
    scientist: chemist doctor teacher engineer inventor
    athlete: runner swimmer boxer skater rider
    relative: mother uncle cousin brother sister
""")
GOODS = _table("""
    fruit: apple pear plum lemon melon
    vegetable: carrot onion potato bean cabbage
    garment: coat hat shirt scarf glove
    vehicle: truck bus wagon bicycle taxi
    boat: ferry canoe raft barge yacht
    document: book letter map report diary
    device: microscope camera computer radio clock
    trinket: coin ring bell chain key
    bird: duck eagle crow owl swan
    beast: horse cow goat bear camel
    toy: ball racket kite drum whistle
    prize: medal cup trophy crown badge
    seat: chair bench sofa stool swing
    tool: hammer saw shovel rope brush
""")
KINDS = PEOPLE | GOODS
KIND = {noun: kind for kind, nouns in KINDS.items() for noun in nouns}
ABOVE = ({kind: "person" for kind in PEOPLE} | {"fruit": "food", "vegetable": "food"}
         | {"bird": "animal", "beast": "animal"})
DOMAINS = {  # who acts there, on what, where
    "market": ("trader", ["fruit", "vegetable", "garment", "trinket"],
               "market shop bank bakery warehouse".split()),
    "travel": ("traveler", ["vehicle", "boat", "document", "garment"],
               "harbor station airport hotel bridge".split()),
    "science": ("scientist", ["device", "document", "trinket", "bird"],
                "school library museum hospital laboratory".split()),
    "sport": ("athlete", ["toy", "prize", "beast", "vehicle"],
              "stadium park river beach gym".split()),
    "home": ("relative", ["seat", "tool", "vegetable", "beast", "bird"],
             "garden kitchen barn field cellar".split()),
}
AT = {"station": "at", "airport": "at", "harbor": "at", "beach": "at", "river": "near",
      "bridge": "near", "stadium": "at"}   # elsewhere one is "in"
PLACES = [place for _, _, places in DOMAINS.values() for place in places]

OPPOSITES = {"thing": "big/small old/new heavy/light clean/dirty cheap/expensive wet/dry warm/cold "
                      "bright/dark soft/hard empty/full".split(),
             "person": "rich/poor tall/short famous/unknown brave/shy kind/cruel strong/weak "
                       "fast/slow".split(),
             "feeling": "happy/sad proud/ashamed angry/calm tired/rested hungry/sated "
                        "afraid/safe".split()}
COLORS = "red green blue white black yellow".split()
_LIKE = _table("""
    person: rich poor tall short famous unknown brave shy kind cruel strong weak fast slow
    food: big small cheap expensive warm cold soft hard clean dirty
    animal: big small strong weak fast slow wet dry clean dirty
    garment: big small old new cheap expensive warm cold soft hard wet dry clean dirty
    thing: big small old new heavy light cheap expensive wet dry clean dirty bright dark
    vehicle: big small old new heavy fast slow clean dirty empty full
    seat: big small old new heavy light soft hard clean dirty
""")
_LIKE["boat"] = _LIKE["vehicle"]
LIKE = {kind: (_LIKE.get(kind) or _LIKE[ABOVE.get(kind, "thing")])
        + (COLORS if kind not in PEOPLE else []) for kind in KINDS}   # what each kind can be like
THING_ADJ, PERSON_ADJ, FEELINGS = ([adj for pair in pairs for adj in pair.split("/")]
                                   for pairs in OPPOSITES.values())
COMPARED = "big small old new heavy light cheap warm cold tall short rich poor strong weak".split()

# verb past participle | the action it is a way of | its opposite
_VERBS = """
    take took taken | | give            steal stole stolen | take |       grab grabbed | take |
    give gave given | | take            donate | give |
    sell sold | | buy                       buy bought | | sell
    receive | | lose                    lend lent | | borrow              borrow | | lend
    make made | | destroy               build built | make |              carve | make |
    destroy | | make                    burn | destroy |                  smash | destroy |
    break broke broken | | fix          fix | | break
    find found | | lose                 lose lost | | find
    open | | close                      close | | open
    lift | | drop                       drop dropped | | lift
    push | | pull                       pull | | push
    hide hid hidden | | show            show showed shown | | hide
    move | | keep                       carry | move |                    drag dragged | move |
    keep kept | | move                  store | keep |                    wash | |
    paint | |                           weigh | inspect |                 measure | inspect |
    inspect | |                         read read | |                     write wrote written | |
    eat ate eaten | |                   devour | eat |                    taste | eat |
    cook | |                            boil | cook |                     fry | cook |
    plant | | pick                      pick | | plant                    slice | |
    feed fed | |                        chase | |                         catch caught | | release
    release | | catch                   win won | | lose                  throw threw thrown | | catch
    kick | |                            ride rode ridden | |              see saw seen | |
    watch | see |                       notice | see |                    help | | hinder
    rescue | help |                     teach taught | help |             hinder | | help
    praise | | blame                    admire | praise |                 blame | | praise
    insult | blame |                    love | | hate                     hate | | love
    visit | |                           meet met | |                      follow | |
    call | |                            thank | |                         hire | | dismiss
    dismiss | | hire                    go went gone | |                  walk | go |
    fly flew flown | go |               sail | go |                       sleep slept | rest |
    rest | | work                       work | | rest                     laugh | | cry
    cry | | laugh                       sing sang sung | |                wait | |
    be was | |                          feel felt | |                     have had | |
    use | |                             do did done | |                   happen | |
"""


def past_forms(verb: str, *given: str) -> tuple[str, str]:
    """Past and participle of an English verb, by rule where they are not given."""
    if given:
        return given[0], given[-1]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return (verb[:-1] + "ied",) * 2
    return (verb + ("d" if verb.endswith("e") else "ed"),) * 2


ENGLISH_PAST: dict[str, tuple[str, str]] = {}
WAY_OF: dict[str, str] = {}          # steal -> take
OPPOSITE: dict[str, str] = {}        # verbs and adjectives
for _cell in (cell for line in _VERBS.strip().splitlines() for cell in line.strip().split("   ")):
    if _cell.strip():
        _words, _above, _opposite = (part.strip() for part in _cell.split("|"))
        _verb = _words.split()[0]
        ENGLISH_PAST[_verb] = past_forms(*_words.split())
        if _above:
            WAY_OF[_verb] = _above
        if _opposite:
            OPPOSITE[_verb] = _opposite
for _pairs in OPPOSITES.values():
    for _a, _b in (pair.split("/") for pair in _pairs):
        OPPOSITE[_a], OPPOSITE[_b] = _b, _a

CONVERSE = {"sell": ("buy", "from"), "give": ("receive", "from"), "lend": ("borrow", "from")}
_ANY = "take steal grab find lose hide show move carry drag keep store inspect wash see notice".split()
_MADE = "make build carve destroy burn smash break fix paint".split()
_SENT = "sell give lend donate".split()
ACTIONS = {  # kind of patient -> what is done to it
    **dict.fromkeys(PEOPLE, "help rescue chase teach hinder praise admire blame insult love hate visit "
                            "meet follow call thank hire dismiss see watch".split()),
    **dict.fromkeys(["fruit", "vegetable"], _SENT + "eat devour taste cook boil fry plant pick slice "
                                            "weigh wash carry store take steal".split()),
    **dict.fromkeys(["bird", "beast"], _SENT[:2] + "feed chase catch release watch follow wash see "
                                                   "find lose hide".split()),
    **dict.fromkeys(GOODS.keys() - {"fruit", "vegetable", "bird", "beast"}, _SENT + _ANY),
}
for _kind, _more in {"garment": "wash make", "vehicle": "ride open close push pull",
                     "boat": "push pull", "document": "read write open close burn",
                     "device": "open close weigh measure", "trinket": "weigh measure lift drop",
                     "toy": "throw catch kick lift drop", "prize": "win receive lift drop",
                     "seat": "push pull lift drop measure", "tool": "lift drop use"}.items():
    ACTIONS[_kind] = ACTIONS[_kind] + (_MADE if _kind not in ("document", "prize") else []) + [
        verb for verb in _more.split()]
ACTIONS["beast"] = ACTIONS["beast"] + ["ride"]
MOTION = "go walk fly sail".split()
ALONE = "sleep rest work laugh cry sing wait".split()

SYNONYM = dict(pair.split("/") for pair in """
    big/large small/little happy/glad sad/unhappy fast/quick rich/wealthy fix/repair help/assist
    buy/purchase find/discover make/produce hide/conceal boat/vessel coat/jacket taxi/cab
    doctor/physician watch/observe destroy/ruin afraid/scared angry/furious
    """.split())
SYNONYM |= {word: concept for concept, word in SYNONYM.items()}

USED_FOR = {noun: (verb, what) for noun, verb, what in (line.split() for line in """
    hammer build chair|saw carve stool|shovel plant potato|rope pull boat|brush paint bench|
    camera watch bird|microscope inspect coin|clock measure time|computer write report|
    radio call friend|key open box|ball kick goal|bell call guest|map find road|
    sofa sleep -|truck carry chair|bus carry tourist|ferry carry bus|canoe catch fish|
    coin buy fruit|whistle call player|wagon move vegetable|book teach pupil|chain pull truck|
    camel carry rope|swing rest -|letter thank friend|raft move truck
    """.replace("\n", "").split("|"))}
FOUND_IN = dict(pair.split("/") for pair in """
    book/library report/laboratory microscope/laboratory apple/market coat/shop coin/bank
    truck/warehouse onion/kitchen canoe/river yacht/harbor bus/station tourist/hotel pilot/airport
    doctor/hospital teacher/school medal/museum runner/stadium boxer/gym swimmer/beach
    duck/park horse/barn cow/field shovel/garden stool/kitchen melon/cellar baker/bakery
    wagon/bridge""".split())
CHAINS = {  # typical sequences of what one agent does to one patient
    "fruit vegetable": ["plant pick wash eat", "buy wash slice cook"],
    "bird beast": ["chase catch feed release", "find feed wash sell"],
    "document": ["find open read close", "write read show give"],
    "garment trinket prize": ["find wash show sell", "receive lift show keep"],
    "vehicle boat seat device tool toy": ["break fix paint sell", "buy move inspect store",
                                                "steal hide smash burn"],
    "person": ["see follow meet thank", "hire teach praise love", "call blame insult dismiss"],
}
CHAINS_OF = {kind: [chain.split() for chain in chains] for kinds, chains in CHAINS.items()
             for kind in (PEOPLE if kinds == "person" else kinds.split())}
MAKES_FEEL = {  # verb -> (feeling of the one who acts, feeling of a person acted on)
    "win": ("proud", ""), "lose": ("sad", ""), "find": ("happy", ""), "steal": ("ashamed", ""),
    "destroy": ("angry", ""), "rescue": ("proud", "safe"), "praise": ("", "proud"),
    "admire": ("", "happy"), "blame": ("", "ashamed"), "insult": ("", "angry"),
    "love": ("happy", ""), "dismiss": ("", "sad"), "hire": ("", "happy"), "chase": ("", "afraid"),
    "work": ("tired", ""), "walk": ("tired", ""), "sleep": ("rested", ""), "rest": ("calm", ""),
    "eat": ("sated", ""), "devour": ("sated", ""), "cook": ("hungry", ""), "break": ("angry", ""),
    "fix": ("calm", ""), "hinder": ("", "angry"), "help": ("", "calm"),
}
ANSWERED_BY = {  # what the one acted on then did to the one who acted
    "rescue": "thank", "help": "praise", "insult": "blame", "teach": "admire", "hire": "love",
    "dismiss": "hate", "hinder": "insult", "call": "visit", "visit": "meet"}
BECOMES = {  # what a thing is like after it
    "wash": "clean", "cook": "warm", "boil": "warm", "fry": "warm", "fix": "new", "burn": "black",
    "drop": "dirty", "drag": "dirty", "paint": "bright"}

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October".split()
HOURS = "noon night dawn midnight".split()
ORG_NOUNS = "company union club council".split()
FUNCTION = """a the be not did in at on near to from by than because that true false then later
    who what where when why how whether it many more and also yes no""".split()
SUFFIXES = "PLURAL PAST PASSIVE OBJECT AGENT".split()
