"""Lets requests in: as many as can be worked on, in a fair order, and no more than can be served."""

from jarvis.core.admission.admission import Admission
from jarvis.core.admission.intake import Intake, Intakes
from jarvis.core.admission.scope import Bounds, CallerTerms, Scopes
from jarvis.core.admission.ticket import Arrival, Ticket

__all__ = ["Admission", "Arrival", "Bounds", "CallerTerms", "Intake", "Intakes", "Scopes", "Ticket"]
