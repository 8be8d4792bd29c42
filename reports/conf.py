# Sphinx settings of the published report. Pages are written by xstilts.site, which passes what
# differs from grid to grid. Nothing is loaded from a network when a page is read.
project = "xstilts"
author = "the xstilts authors"
copyright = author  # noqa: A001
extensions = ["myst_nb"]
html_theme = "pydata_sphinx_theme"
html_title = "xstilts"
html_static_path = ["static"]
html_css_files = ["xstilts.css"]
html_js_files = [("xstilts.js", {"defer": "defer"})]
ALONE = ("index", "20_main_table", "22_claims", "languages", "methods", "runs")
html_sidebars = {page: [] for page in ALONE}
html_copy_source = html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "runs": [], "languages": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
nb_code_prompt_show = "show the code"
nb_code_prompt_hide = "hide the code"
myst_enable_extensions = []
myst_heading_anchors = 2
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
