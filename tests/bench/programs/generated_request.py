"""Make a request of the package; handwritten_request.py is its baseline."""

from oxen_models import Oxen
from oxen_models.images import QwenImageEditPlusRequest

oxen = Oxen(api_key="any", base_url="http://127.0.0.1:9")
model = oxen.images.qwen_image_edit_plus
QwenImageEditPlusRequest(prompt="Add a funny hat", input_image=["https://example.com/dog.png"])
