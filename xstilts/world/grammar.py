"""From meanings to words, in any of the languages.

Saying a sentence is a pure function of it, so the same meaning in two languages is a translation by
construction. Each word comes out with its part of speech (UPOS), its entity tag (IOB2), its CCG
category (meant for English) and the slot of the clause that it fills, from which tags and answer
spans are read.
"""

from collections.abc import Iterable
from typing import NamedTuple

from xstilts.world.languages import Language, more
from xstilts.world.meaning import Clause, Phrase, Sentence, is_person, several

MODIFIER = r"(S\NP)\(S\NP)"
ASKED = {"place": "where", "time": "when", "why": "why"}
STOPS = {"han": "。？", "devanagari": "।?"}


class Token(NamedTuple):
    form: str
    pos: str
    ner: str = "O"
    ccg: str = "N"
    slot: str = ""


def say(sentence: Sentence, language: Language) -> str:
    """The sentence as text."""
    return join(tokens(sentence, language), language)


def text(sentences: Iterable[Sentence], language: Language) -> str:
    """Sentences as running text."""
    gap = "" if language.script == "han" else " "
    return gap.join(say(sentence, language) for sentence in sentences)


def join(words: list[Token], language: Language) -> str:
    """Words with spaces between them (none in han), punctuation close to the left."""
    gap = "" if language.script == "han" else " "
    return "".join((gap if place and word.pos != "PUNCT" else "") + word.form
                   for place, word in enumerate(words))


def tokens(sentence: Sentence, language: Language) -> list[Token]:
    """The sentence as words with their tags and slots."""
    speaker = Speaker(language)
    words = speaker.fragment(sentence) if sentence.only else speaker.sentence(sentence)
    stop = STOPS.get(language.script, ".?")[bool(sentence.ask)]
    words.append(Token(stop, "PUNCT", ccg="."))
    if language.code == "en":
        words[0] = words[0]._replace(form=words[0].form[0].upper() + words[0].form[1:])
    return words


class Speaker:
    """Renders in one language. English has its own auxiliaries; all else follows the knobs."""

    def __init__(self, language: Language):
        self.language, self.words = language, language.words
        self.english = language.code == "en"
        self.forms = self.words.forms
        self.fronts = self.english or language.order != "SOV"   # question words come first

    def sentence(self, s: Sentence) -> list[Token]:
        words = self.lead(s.lead) + self.clause(s)
        if s.because:
            words.append(Token(self.forms["because"], "SCONJ", ccg=f"({MODIFIER})/S[dcl]"))
            words += self.clause(Sentence(s.because), slot="why")
        return words

    def fragment(self, s: Sentence) -> list[Token]:
        """A short answer: one phrase with its adposition, yes or no, or a reason."""
        if s.only in ("yes", "no"):
            return [Token(self.forms[s.only], "INTJ")]
        if s.only == "why":
            return self.sentence(s._replace(only=""))[-len(self.clause(Sentence(s.because))) - 1:]
        for slot, adposition, phrase in s.clause.adjuncts:
            if slot == s.only:
                return self.adjunct(slot, adposition, phrase, "PP/NP")
        if s.only == "num":
            return [Token(str(s.clause.patient.num), "NUM", slot="num")]
        return self.phrase(s.clause.at(s.only), s.only)

    def lead(self, lead: str) -> list[Token]:
        if lead in ("true", "false"):
            if not self.english:
                return [Token(self.forms[lead], "ADJ"), Token(self.forms["that"], "SCONJ")]
            negation = [Token("not", "PART", ccg=MODIFIER)] if lead == "false" else []
            return [Token("it", "PRON", ccg="NP[expl]"),
                    Token("is", "AUX", ccg=r"(S[dcl]\NP)/(S[adj]\NP)"), *negation,
                    Token("true", "ADJ", ccg=r"(S[adj]\NP)/S[em]"),
                    Token("that", "SCONJ", ccg="S[em]/S[dcl]")]
        return [Token(self.forms[lead], "ADV", ccg="S/S")] if lead else []

    def phrase(self, p: Phrase, slot: str, case: str = "", asked: bool = False) -> list[Token]:
        """A noun phrase; `asked` puts "how many" for its number."""
        if p.plus:
            both = Token(self.forms["and"], "CCONJ", ccg="conj", slot=slot)
            return [*self.phrase(p._replace(plus=None), slot, case), both,
                    *self.phrase(p.plus, slot, case)]
        forms, after = self.forms, self.language.adjective
        if p.kind in ("PER", "LOC", "ORG"):
            return self.name(p, slot, case)
        if p.kind in ("PROPN", "PRON"):
            return [Token(forms[p.head], p.kind, slot=slot)]
        if p.kind == "NUM":
            return [Token(p.head, "NUM", slot=slot)]
        if p.kind == "ADJ":
            return [Token(forms[p.head], "ADJ", ccg=r"S[adj]\NP", slot=slot)]
        if p.kind == "MORE":
            if self.english:
                return [Token(more(p.head), "ADJ", ccg=r"(S[adj]\NP)/PP", slot=slot)]
            return [Token(forms["more"], "ADV", slot=slot), Token(forms[p.head], "ADJ", slot=slot)]
        plural = p.plural or p.num > 1
        noun = [Token(self.words.noun(p.head, plural, case), "NOUN", slot=slot)]
        adjective = [Token(forms[p.adj], "ADJ", ccg="N/N", slot=slot)] if p.adj else []
        words = noun + adjective if after else adjective + noun
        if asked:
            return [Token(forms["how"], "ADV", slot="num"), Token(forms["many"], "ADJ", slot="num"),
                    *words]
        if p.num:
            words.insert(0, Token(str(p.num), "NUM", ccg="N/N", slot="num"))
        elif p.det == "more":
            words.insert(0, Token(forms["more"], "ADJ", ccg="N/N"))
        elif p.det and self.english:
            vowel = p.det == "a" and words[0].form[0] in "aeiou"
            words.insert(0, Token("an" if vowel else p.det, "DET", ccg="NP/N"))
        return words

    def name(self, p: Phrase, slot: str, case: str) -> list[Token]:
        """Names are spelt in the script; an organisation's noun is translated."""
        parts = [self.words.spell(part) for part in p.head.split()]
        if p.adj:   # the noun of an organisation: "Zorin Bank"
            noun = self.forms[p.adj].capitalize()
            parts.insert(0 if self.language.adjective else len(parts), noun)
        parts[-1] += self.words.case(case)
        last = len(parts) - 1
        return [Token(part, "PROPN", ("I-" if place else "B-") + p.kind,
                      "N" if place == last else "N/N", slot) for place, part in enumerate(parts)]

    def adjunct(self, slot: str, adposition: str, phrase: Phrase, ccg: str) -> list[Token]:
        word = Token(self.forms[adposition], "ADP", ccg=ccg)
        words = self.phrase(phrase, slot)
        return words + [word] if self.language.adposition else [word, *words]

    def question(self, s: Sentence) -> list[Token]:
        """The words that ask for a slot, with the adposition where one is needed."""
        def wh(word: str, ccg: str) -> Token:
            return Token(self.forms[word], "PRON" if word in ("who", "what") else "ADV", ccg=ccg)
        if s.ask in ASKED:
            return [wh(ASKED[s.ask], "S[wq]/S[q]")]
        phrase = s.clause.at("patient" if s.ask == "num" else s.ask)
        if s.ask == "num":
            return self.phrase(phrase, "", asked=True)
        if s.clause.verb == "feel" and s.ask == "patient":
            return [wh("how", "S[wq]/S[q]")]
        subject = (s.ask == "agent") != s.passive
        category = r"S[wq]/(S[dcl]\NP)" if subject else "S[wq]/(S[q]/NP)"
        thing = "where" if phrase.kind == "LOC" else "what"
        word = wh("who" if is_person(phrase) else thing, category)
        by = [("agent", "by", None)] if s.passive else []
        for slot, adposition, _ in (*by, *s.clause.adjuncts):
            if slot == s.ask:
                if self.english and word.form == "who":
                    word = word._replace(form="whom")
                pair = [Token(self.forms[adposition], "ADP", ccg="PP/NP"), word]
                return pair[::-1] if self.language.adposition else pair
        return [word]

    def verb(self, s: Sentence, helped: bool) -> tuple[list[Token], list[Token]]:
        """(auxiliary, rest of the verb group); `helped`: English needs "did" or "was" apart."""
        clause, forms = s.clause, self.forms
        negation = [Token(forms["not"], "PART", ccg=MODIFIER)] if clause.negated else []
        arguments = self.arguments(s)
        if self.english and clause.verb == "be":
            plural = several(clause.agent)
            form = ("were" if plural else "was") if clause.past else "are" if plural else "is"
            return [Token(form, "AUX", ccg=rf"(S[dcl]\NP){arguments}")], negation
        if self.english:
            participle = Token(self.words.verb(clause.verb, True, True), "VERB",
                               ccg=rf"(S[pss]\NP){arguments}" if arguments else r"S[pss]\NP",
                               slot="verb")
            if s.passive:
                plural = several(clause.patient)
                form = "were" if plural else "was"
                return [Token(form, "AUX", ccg=r"(S[dcl]\NP)/(S[pss]\NP)")], negation + [participle]
            helped = helped or clause.negated
            mood = "b" if helped else "dcl"
            category = rf"(S[{mood}]\NP){arguments}" if arguments else rf"S[{mood}]\NP"
            form = self.words.verb(clause.verb, clause.past and not helped, False)
            main = Token(form, "VERB", ccg=category, slot="verb")
            aux = Token("did" if clause.past else "do", "AUX", ccg=r"(S[dcl]\NP)/(S[b]\NP)")
            return ([aux], [*negation, main]) if helped else ([], [main])
        particle = [Token(forms["PAST"], "AUX")] if clause.past and not self.language.tense else []
        form = self.words.verb(clause.verb, clause.past, s.passive)
        return [], [*negation, *particle, Token(form, "AUX" if clause.verb == "be" else "VERB",
                                                slot="verb")]

    def arguments(self, s: Sentence) -> str:
        """What a verb's category still looks for on its right."""
        slots = {slot for slot, _, _ in s.clause.adjuncts}
        goal = "/PP" if slots & {"to", "from"} else ""
        patient = s.clause.patient
        if patient is None or s.passive:
            return goal
        return goal + (r"/(S[adj]\NP)" if patient.kind in ("ADJ", "MORE") else "/NP")

    def clause(self, s: Sentence, slot: str = "") -> list[Token]:
        """Subject, verb, object and adjuncts in the language's order."""
        clause, asked = s.clause, s.ask
        active = not s.passive
        subject_slot = "agent" if active else "patient"
        adjuncts = list(clause.adjuncts)
        if s.passive:
            adjuncts.insert(0, ("agent", "by", clause.agent))
        question = self.question(s) if asked and asked != "whether" else []
        subject_asked = asked == subject_slot or (s.passive and asked == "num")
        moved = question if self.fronts and not (self.english and subject_asked) else []
        here = [] if moved else question
        subject = here if subject_asked else self.phrase(
            clause.at(subject_slot), subject_slot, "AGENT" if active else "")
        case = "" if clause.verb in ("be", "feel") else "OBJECT"
        obj: list[Token] = []
        if active and clause.patient:
            obj = here if asked in ("patient", "num") else self.phrase(
                clause.patient, "patient", case)
        inverted = self.english and bool(asked) and not subject_asked
        auxiliary, verb = self.verb(s, helped=inverted)
        fronted, others = [], []
        for name, adposition, phrase in adjuncts:
            if name == asked:
                continue
            inner = "PP/NP" if name in ("to", "from", "than") else rf"({MODIFIER})/NP"
            words = self.adjunct(name, adposition, phrase, "(S/S)/NP" if name == s.front else inner)
            (fronted if name == s.front else others).append(words)
        if here and not subject_asked and asked not in ("patient", "num"):
            others.append(here)
        if asked == "whether" and not self.english:
            moved = [Token(self.forms["whether"], "PART")]
        words = moved + self.front(fronted)
        words += self.order(auxiliary, verb, subject, obj, others, inverted)
        words += self.purpose(clause)
        return [word._replace(slot=slot) for word in words] if slot else words

    def front(self, fronted: list[list[Token]]) -> list[Token]:
        words = [word for words in fronted for word in words]
        return words + [Token(",", "PUNCT", ccg=",")] if words and self.english else words

    def order(self, auxiliary, verb, subject, obj, others, inverted) -> list[Token]:
        """Core constituents and adjuncts, which a verb-final clause has before its object."""
        if inverted:
            return auxiliary + subject + verb + obj + sum(others, [])
        parts = {"S": subject, "V": auxiliary + verb, "O": obj}
        if self.language.order == "SOV":
            return subject + sum(others[::-1], []) + obj + parts["V"]
        return sum((parts[letter] for letter in self.language.order), []) + sum(others, [])

    def purpose(self, clause: Clause) -> list[Token]:
        """ "to build a chair" """
        if not clause.purpose:
            return []
        verb, what = clause.purpose
        words = [Token(self.forms[verb], "VERB", ccg=r"(S[b]\NP)/NP" if what else r"S[b]\NP")]
        obj = self.phrase(what, "", "OBJECT") if what else []
        particle = [Token(self.forms["to"], "PART", ccg=rf"({MODIFIER})/(S[b]\NP)")]
        return obj + words + particle if self.language.order == "SOV" else particle + words + obj
