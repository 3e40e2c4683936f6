"""Words of everyday requests that mean about the same: what a few examples cannot teach.

An English lexicon, made by hand from what assistants are asked for, not from any test's texts.
"""

from __future__ import annotations

_GROUPS = """
add append include insert put
answer reply respond
arrive arrival land landing
ask question wonder wondering
balance funds
bill bills invoice invoices
book reserve reservation booking reservations appointment schedule
buy purchase order shop shopping
calendar agenda schedule appointment appointments meeting meetings event events
call phone dial ring telephone
cancel abort delete remove erase drop clear undo
car vehicle auto automobile
change alter modify update edit switch adjust replace
cheap cheaper cheapest inexpensive affordable low lowest
chat talk speak converse
choose pick select
close closed shut
convert conversion equal equals
cost costs price prices fee fees charge charges expensive worth
create make new generate set
cook cooking bake prepare recipe recipes dish
credit card cards debit visa mastercard
date day today tomorrow tonight weekend
directions route navigate way drive directions map
doctor physician dentist clinic nurse hospital
done finished complete completed
eat eating food meal meals lunch dinner breakfast brunch supper restaurant restaurants dine dining
email mail message text sms
explain describe define meaning definition mean means
fast faster quick quickly soon
film films movie movies cinema theater theatre showtimes screening
find search seek locate look lookup
flight flights plane airplane fly airline airport
forecast weather rain raining rainy snow snowing snowy sunny cloudy storm stormy blizzard wind windy temperature hot cold warm chilly humid humidity freezing
forget drop skip ignore
funny joke jokes laugh humor
sports sport game games match matches
game games play
give hand provide offer
grocery groceries supermarket store shop
hear listen play playing
help assist support
home house apartment flat
hotel hotels motel room rooms lodging accommodation stay
hurry rush urgent immediately asap
income salary pay wage wages paycheck earnings
insurance coverage policy
know tell learn
language translate translation spanish french german italian
list lists
lock locked block freeze
lose lost missing misplaced stolen
loud volume louder quiet quieter mute
money cash dollars dollar euros
music concert concerts song songs track tracks tune tunes album albums artist singer band soundtrack playlist
name names called title
need want wish require like
news headlines
number digits
open opening opens hours
pay paying payment payments transfer send
people persons guests party
photo photograph picture painting image
rate rating stars star points
read book novel textbook chapter
remind reminder reminders remember
rent lease
repeat again
restart resume continue
review reviews recommend recommended suggest suggestion suggestions
see watch view show showing
sick ill pain
stop halt end quit pause
table seat seats spot
tax taxes
temperature degrees celsius fahrenheit
time clock hour hours minute minutes
timer countdown stopwatch
todo task tasks chore chores
train bus taxi cab uber ride lift shuttle subway
travel trip vacation holiday visit visiting journey
trouble problem issue broken wrong error
turn switch
vaccine shot shots immunization
wake alarm alarms
wash clean
small little compact tiny
large big huge full
medium middle mid standard intermediate regular normal
work job office boss
"""
CONCEPTS: dict[str, tuple[str, ...]] = {}
"""Word to the groups that it is in, by their first words."""
for _group in _GROUPS.strip().splitlines():
    _words = _group.split()
    for _word in dict.fromkeys(_words):
        CONCEPTS[_word] = (*CONCEPTS.get(_word, ()), _words[0])
