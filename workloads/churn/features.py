"""How features come from records: one pure function for each feature view of definitions.py.

`records` are customers that keep the contract of workload.yaml, without the target. A function
returns a row for each customer: the join key `customerID` and the fields of its view.
"""

import pandas as pd

SERVICES = [
    "PhoneService",
    "MultipleLines",
    "InternetService",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
]
BILLING = ["Contract", "PaperlessBilling", "PaymentMethod", "MonthlyCharges", "TotalCharges"]


def customer_profile(records: pd.DataFrame) -> pd.DataFrame:
    """Who the customer is, and for how many months."""
    return records[["customerID", "gender", "SeniorCitizen", "Partner", "Dependents", "tenure"]]


def customer_services(records: pd.DataFrame) -> pd.DataFrame:
    """What the customer has subscribed to, and to how many things."""
    return records[["customerID", *SERVICES]].assign(services=count_services(records))


def customer_billing(records: pd.DataFrame) -> pd.DataFrame:
    """How the customer pays, and how much."""
    return records[["customerID", *BILLING]]


def count_services(records: pd.DataFrame) -> pd.Series:
    """Return how many services a customer has; internet counts once, whatever its kind."""
    return (~records[SERVICES].isin(["No", "No phone service", "No internet service"])).sum(axis=1)
