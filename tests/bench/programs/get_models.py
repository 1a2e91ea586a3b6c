"""GET the list of a hub's models and then each of them, with httpx alone."""

import sys
from urllib.parse import quote

import httpx

models_url = f"{sys.argv[1]}/api/ai/models"
with httpx.Client(headers={"authorization": "Bearer any"}, trust_env=False) as client:
    for model in client.get(models_url).raise_for_status().json()["data"]:
        client.get(f"{models_url}/{quote(model['id'], safe='')}").raise_for_status().json()
