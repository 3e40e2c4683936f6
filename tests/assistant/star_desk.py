"""The services that the people of the recorded STAR dialogues talk to, as far as needed."""

from __future__ import annotations

from datetime import UTC, date, time
from typing import Literal

from chatstream.assistant.orchestrator import Assistant, assistant_from_tools
from chatstream.assistant.tools import Tool, ToolFailed, tool

Venue = Literal["North Heights Venue", "Southside Venue", "West Bay Venue"]
Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
City = Literal["Chicago", "Los Angeles", "New York", "San Francisco"]


class StarDesk:
    """What was booked, in order; ``failures`` bookings of a hotel still fail."""

    def __init__(self) -> None:
        self.done: list[tuple] = []
        self.failures = 0

    def assistant(self) -> Assistant:
        """An assistant of all services."""
        people = [self._ride(), self._party(), self._rsvp()]
        return assistant_from_tools(
            [*people, self._balance(), self._hotel(), self._flight(), self._weather()], zone=UTC
        )

    def _ride(self) -> Tool:
        @tool(
            examples=[
                "I would like to book a ride",
                "I need a ride from {departure: the station} to {destination: the airport}",
                "I need to go to {destination: the harbour}",
                "take me from {departure: home} to {destination: work}",
            ],
            confirm=True,
        )
        def book_ride(departure: str, destination: str, name: str) -> None:
            """Book a ride.

            Args:
                departure: Where are you departing from?
                destination: Where do you want to go?
                name: May I have your name, please?
            """
            self.done.append(("ride", departure, destination, name))

        return book_ride

    def _party(self) -> Tool:
        @tool(
            examples=["help me plan a party", "I want to make a surprise party for my friend"],
            confirm=True,
        )
        def plan_party(venue: Venue, day: Day, start: time, guests: int, host_name: str) -> None:
            """Plan a party.

            Args:
                venue: At what venue would you like to have your party organised?
                day: On what day would you like your party organised?
                start: When would you like your party to kick off?
                guests: How many people would you like to invite?
                host_name: May I have your name, please?
            """
            self.done.append(("party", venue, day, start, guests, host_name))

        return plan_party

    def _rsvp(self) -> Tool:
        @tool(examples=["I need to RSVP to a party", "tell the host that I am coming to the party"])
        def rsvp(venue: Venue, host: str, arrival: time, needs_parking: bool) -> str:
            """RSVP to a party.

            Args:
                venue: At which venue is it?
                host: Could you provide me with the name of the host, please?
                arrival: When are you planning to arrive at the party?
                needs_parking: Do you require parking at the venue?
            """
            self.done.append(("rsvp", venue, host, arrival, needs_parking))
            return "Great, your rsvp is all done and confirmed!"

        return rsvp

    def _balance(self) -> Tool:
        @tool(examples=["check my bank balance", "how much money is in my account"])
        def bank_balance(account: int) -> str:
            """Tell your bank balance.

            Args:
                account: Can you tell me your account number, please?
            """
            self.done.append(("balance", account))
            return "Your balance is 1,273 credits."

        return bank_balance

    def _hotel(self) -> Tool:
        @tool(examples=["book a room", "does the hotel have any rooms available"], confirm=True)
        def book_hotel(
            hotel: Literal["Shadyside Inn", "Hilton Hotel"], start: date, end: date
        ) -> str:
            """Book a hotel.

            Args:
                hotel: Which hotel?
                start: From which day?
                end: Until which day?
            """
            if self.failures:
                self.failures -= 1
                raise ToolFailed("I'm sorry, but your booking request failed.")
            self.done.append(("hotel", hotel, start, end))
            return "OK, I've successfully completed this Hotel booking for you!"

        return book_hotel

    def _flight(self) -> Tool:
        @tool(
            examples=["I need a flight", "find me a flight from {origin: Pittsburgh}"],
            asks=["airline"],
        )
        def find_flight(
            origin: str, destination: str, day: date, airline: Literal["Delta", "American", ""] = ""
        ) -> str:
            """Find a flight.

            Args:
                origin: From which city?
                destination: To which city?
                day: On which day?
                airline: I can also filter the results for an airline. Which one?
            """
            self.done.append(("flight", airline))
            return "I found a First flight with American."

        return find_flight

    def _weather(self) -> Tool:
        @tool(
            examples=["tell me the weather", "what will the weather be like in {city: Chicago}"],
            digression=True,
            idempotent=True,
        )
        def weather(city: City = "Los Angeles") -> str:
            """Tell the weather."""
            return f"It is sunny in {city}."

        return weather
