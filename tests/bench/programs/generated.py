"""A request of the package, ready to send; `by_hand` is what it is measured against."""

from oxen_models import Oxen
from oxen_models.images import QwenImageEditPlusRequest

oxen = Oxen(api_key="any", base_url="http://127.0.0.1:9")
model = oxen.images.qwen_image_edit_plus
QwenImageEditPlusRequest(prompt="Add a funny hat", input_image=["https://example.com/dog.png"])
