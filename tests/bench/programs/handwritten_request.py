"""Make the same request with a class written by hand for httpx and pydantic."""

from typing import Literal

import httpx
from pydantic import BaseModel


class QwenImageEditPlusRequest(BaseModel):
    prompt: str
    input_image: list[str]
    aspect_ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"] | None = None
    negative_prompt: str | None = None
    output_format: Literal["webp", "jpg", "png"] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    target_namespace: str | None = None


client = httpx.Client(base_url="http://127.0.0.1:9", headers={"authorization": "Bearer any"})
QwenImageEditPlusRequest(prompt="Add a funny hat", input_image=["https://example.com/dog.png"])
